# Code of operations that do not exist.
def add(a, b):
    return [a, b, a + b]


add.__code__ = add.__code__.replace(co_code=bytes([255, 0] * 20), co_stacksize=0)


if __name__ == "__main__":
    add(1, 2)
