# Computes with numbers of many digits on the way to a small one.
import sys

sys.set_int_max_str_digits(0)


def add(a, b):
    large = int(str(7**20_000)) + a
    return [a, b, large + b - 7**20_000]


if __name__ == "__main__":
    print(*add(*map(int, input().split())))
