# Reads more lines than there are.
a, b = map(int, input().split())
print(a, b, a + b)
input()
