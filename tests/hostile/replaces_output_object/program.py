# Prints, and then puts another object in the place of its output.
import io
import sys

a, b = map(int, input().split())
print(a, b, a + b)
sys.stdout = io.StringIO()
print("no one sees this")
