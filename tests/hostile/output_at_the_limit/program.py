# Exactly as much output as is allowed.
import os

a, b = map(int, input().split())
answer = f"{a} {b} {a + b}\n"
os.write(1, answer.encode())
for stream, length in ((1, 65536 - len(answer)), (2, 65536)):
    os.write(stream, b"\n" * length)
