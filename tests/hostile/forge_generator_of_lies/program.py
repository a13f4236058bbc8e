def add(a, b):
    while True:
        yield True
