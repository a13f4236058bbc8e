# coding: latin-1
# Declares an encoding other than that of its byte order mark.
def add(a, b):
    return [a, b, a + b]
