# File names with newlines, bytes that are no text, and as long as can be.
import os


def add(a, b):
    for name in (b"a\nb", b"\xff\xfe", b"-rf", b" ", b"x" * 255, b"\x1b[2J", "\u202e".encode()):
        with open(b"/tmp/" + name, "wb"):
            pass
    assert len(os.listdir("/tmp")) >= 7
    return [a, b, a + b]


if __name__ == "__main__":
    print(*add(*map(int, input().split())))
