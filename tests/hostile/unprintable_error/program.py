# Raises what cannot be described: its text raises, and so does its name.
class Error(Exception):
    def __str__(self):
        raise KeyboardInterrupt

    __repr__ = __str__


Error.__name__ = "x\ny\x1b[0m" * 1000


def add(a, b):
    raise Error


if __name__ == "__main__":
    add(1, 2)
