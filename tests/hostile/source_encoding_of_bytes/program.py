# coding: rot13
# Declares an encoding that is not one of text.
def add(a, b):
    return [a, b, a + b]
