# Removes what the interpreter itself looks up.
import builtins

del builtins.__import__, builtins.__build_class__, builtins.open


def add(a, b):
    import os


if __name__ == "__main__":
    add(1, 2)
