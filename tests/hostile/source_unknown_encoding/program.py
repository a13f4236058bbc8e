# coding: klingon
# Declares an encoding that nobody knows.
def add(a, b):
    return [a, b, a + b]
