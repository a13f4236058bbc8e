# Counts combinations, of which there are more than atoms.
import itertools


def add(a, b):
    return sum(1 for _ in itertools.product(range(10), repeat=40 if a == 3 else 1))
