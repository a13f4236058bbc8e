# Puts something else in the place of its output.
import os

a, b = map(int, input().split())
os.dup2(os.open("/dev/null", os.O_WRONLY), 1)
print(a, b, a + b)
