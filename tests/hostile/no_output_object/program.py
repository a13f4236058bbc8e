# Prints, and then has no output any more.
import sys

a, b = map(int, input().split())
print(a, b, a + b)
sys.stdout.flush()
sys.stdout = None
print("no one sees this")
