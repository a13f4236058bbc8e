# Copies and pickles lists that are nested too deeply.
import copy
import pickle


def add(a, b):
    value = []
    for _ in range(2 * 10**5):
        value = [value]
    try:
        return copy.deepcopy(value)
    except RecursionError:
        return pickle.dumps(value)


if __name__ == "__main__":
    add(1, 2)
