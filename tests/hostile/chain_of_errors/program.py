# A chain of a hundred thousand errors.
def add(a, b):
    error = None
    for n in range(10**5):
        after = ValueError(n)
        after.__cause__ = error
        error = after
    raise error
