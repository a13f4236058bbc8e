# Reads on in standard input, for the input and output of other tests.
import os
import sys

os.read(0, 1 << 20)
for offset in (0, -1, 1 << 20):
    os.lseek(0, max(0, offset), os.SEEK_SET)
    lines = sys.stdin.read().split("\n")
    if len([line for line in lines if line]) > 1:
        print(lines[1])
