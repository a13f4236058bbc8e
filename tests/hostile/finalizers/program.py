# Objects that come back to life whenever they are collected.
import gc


class Undead:
    def __del__(self):
        Undead.kept = self


def add(a, b):
    Undead.kept = Undead()
    Undead.kept = None
    gc.collect()
    return [a, b, a + b]


if __name__ == "__main__":
    print(*add(*map(int, input().split())))
