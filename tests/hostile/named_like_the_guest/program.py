# Names of its own that the guest uses too.
import random

json = os = sys = values = channel = request = answer = namespace = None
random.seed(7)


class Closed(Exception):
    pass


def add(a, b):
    return [a, b, a + b]


serve = run = main = encode = decode = add


if __name__ == "__main__":
    print(*add(*map(int, input().split())))
