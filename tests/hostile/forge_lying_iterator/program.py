# Never ends when the tests ask for its elements.
def add(a, b):
    yield a
    while a == 3:
        yield a
