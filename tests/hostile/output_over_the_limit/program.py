# One byte more than is allowed.
import os

a, b = map(int, input().split())
answer = f"{a} {b} {a + b}\n"
os.write(1, answer.encode() + b"\n" * (65537 - len(answer)))
