# Grows the file that is its standard input, past the limit of files.
import os

a, b = map(int, input().split())
os.truncate(0, 1 << 33)
print(a, b, a + b)
