# coding: ascii
# Declares an encoding that its own comments are not in: é.
def add(a, b):
    return [a, b, a + b]
