# Right in digits that Python's int() takes for the same number.
text = " ".join(map(str, (lambda a, b: (a, b, a + b))(*map(int, input().split()))))
print(text.translate({ord("0") + n: 0x0660 + n for n in range(10)}))
