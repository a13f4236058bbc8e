# Writes lists that are nested too deeply for the writer.
import json


def add(a, b):
    value = []
    for _ in range(4 * 10**5):
        value = [value]
    return json.dumps(value)


if __name__ == "__main__":
    add(1, 2)
