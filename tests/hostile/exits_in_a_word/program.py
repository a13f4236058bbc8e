# Leaves with success from the midst of a function.
import sys


def main():
    a, b = map(int, input().split())
    print(a, b, a + b)
    sys.exit(False)


main()
