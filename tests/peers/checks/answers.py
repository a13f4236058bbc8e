"""Problems and a model's answers to them, for every check alike; stands on nothing installed."""

PROBLEMS = [("peer/add", "add", 5), ("peer/mul", "mul", 6)]
"""Name, function, and its value for 2 and 3."""
GOOD = "Here:\n```python\ndef add(a, b):\n    return a + b\n```"
"""Right for `peer/add`; of the other problem it defines not even the function."""
TRUTH = {"tests": [{"kind": "call", "args": [2, 3], "expected": 5}], "entry_point": "add"}
