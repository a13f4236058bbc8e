"""All that runs inside a jail. It imports nothing else of the executor."""
