# Prints the answer and then says that it has failed.
import sys

a, b = map(int, input().split())
print(a, b, a + b)
sys.exit("something went wrong")
