# Ends with the mark by which an old system ended files.
def add(a, b):
    return [a, b, a + b]
