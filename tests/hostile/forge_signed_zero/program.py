# Equal to Python, of another type: True for 1, a tuple for a list, a Decimal for an int.
from decimal import Decimal
from fractions import Fraction


def add(a, b):
    return [Decimal(a), Fraction(b), complex(a + b)]
