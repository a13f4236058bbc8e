"""A teacher that evolves tasks and writes programs and tests for them: some right, some wrong."""

import hashlib
import re
from collections.abc import Mapping

from tests.model_server.sources import Asked, Written

SEED = "Add up the numbers of the list `values`."


def name_of(least: int, factor: int) -> str:
    return f"weigh_{least}_{factor}"


def truth(least: int, factor: int, values: list[int]) -> int:
    return factor * sum(value for value in values if value >= least)


class Contest:
    """Every task it makes is one of `truth`; what the function is called says which."""

    def __init__(self, instead: Mapping[str, str] | None = None) -> None:
        """`instead` gives whole answers for tasks that hold a text."""
        self._instead = dict(instead or {})

    async def complete(self, asked: Asked) -> list[Written]:
        return [
            Written(self._answer(asked, asked.seed + number), "stop", 10)
            for number in range(asked.num_samples)
        ]

    def _answer(self, asked: Asked, seed: int) -> str:
        if "<old>" in asked.prompt:
            return self._task(asked.prompt.partition("<old>")[2].partition("</old>")[0].strip())
        least, factor = map(int, re.findall(r"`weigh_(\d+)_(\d+)`", asked.prompt)[0])
        if "assert" in asked.prompt:
            return self._tests(least, factor)
        program = self._program(least, factor, seed)
        if "above each step" in asked.prompt and seed % 5:
            program = re.sub(r"^    (?=\S)", "    # The next step.\n    ", program, flags=re.M)
        return f"Here it is.\n\n```python\n{program}```\n"

    def _task(self, old: str) -> str:
        for text, answer in self._instead.items():
            if text in old:
                return answer
        digest = hashlib.sha256(old.encode()).digest()
        least, factor = digest[0] % 50 + 1, digest[1] % 50 + 2
        without_name = re.sub(r"\n*def .*", "", old)
        return (
            f"<task>\n{without_name} Leave out whatever is below {least}, and multiply the outcome"
            f" by {factor} before it is returned.\n\ndef {name_of(least, factor)}(values):\n</task>"
        )

    @staticmethod
    def _program(least: int, factor: int, seed: int) -> str:
        head = f"def {name_of(least, factor)}(values):\n"
        return (
            head
            + (
                f"    return {factor} * sum(v for v in values if v >= {least})\n",
                f"    kept = [v for v in values if v >= {least}]\n"
                f"    return sum(kept) * {factor}\n",
                f"    return {factor} * sum(v for v in values if v > {least})\n",
                "    return None\n",
                "    return )\n",
            )[seed % 5]
        )

    @staticmethod
    def _tests(least: int, factor: int) -> str:
        name = name_of(least, factor)
        inputs = ([], [least], [1, 2, 3], [least - 1, least, least + 1], [100, 200], [7])
        right = [f"assert {name}({one}) == {truth(least, factor, one)}" for one in inputs]
        wrong = [f"assert {name}({one}) == {truth(least, factor, one) + 1}" for one in inputs[:2]]
        hollow = [f"assert {name}([1]) != 'never'"]
        return "```python\n" + "\n".join([*right[:3], *wrong, *hollow, *right[3:]]) + "\n```\n"
