# Right but for characters that a comparison may skip: separators, NUL, zero width, other digits.
a, b = map(int, input().split())
print(a, f"{b}\x00", f"\u200b{a + b}", sep="\u00a0")
