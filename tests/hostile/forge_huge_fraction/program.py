# Wrong by numbers too long to be printed, of kinds that print themselves.
from fractions import Fraction


def add(a, b):
    return (Fraction(10**5000, 3), range(10**5000), {10**5000: complex(1, 2)})
