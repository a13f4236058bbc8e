# Lifts the limit on digits, and writes a number for which that takes quadratic time.
import sys

sys.set_int_max_str_digits(0)


def add(a, b):
    return len(str(7 ** (10**7 if a == 3 else 1)))
