# Reads its input in every way: by number, by object, and once more from the beginning.
import os
import sys

first = open(0, closefd=False).readline()
os.lseek(0, 0, os.SEEK_SET)
data = sys.stdin.buffer.read()
assert data.decode() == first
a, b = map(int, data.split())
sys.stdin.close()
print(a, b, a + b)
