# Bytes that are no text, NUL, and half of a surrogate pair.
import sys

sys.stdout.buffer.write(b"\xff\xfe3 6 9\x00\xed\xa0\x80")
sys.stderr.buffer.write(bytes(range(256)))
