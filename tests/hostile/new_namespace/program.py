import ctypes
import os


def add(a, b):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x10000000) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return [a, b, a + b]

if __name__ == "__main__":
    add(1, 2)
