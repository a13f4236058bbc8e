# Runs bytes that are no instruction.
import ctypes
import mmap


def add(a, b):
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(b"\x0f\x0b\x00\x00")
    ctypes.CFUNCTYPE(None)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
    return [a, b, a + b]


if __name__ == "__main__":
    add(1, 2)
