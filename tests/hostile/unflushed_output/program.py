# Writes through an object of its own and leaves it to the interpreter to close it.
import os

a, b = map(int, input().split())
file = os.fdopen(1, "w")
file.write(f"{a} {b} {a + b}\n")
