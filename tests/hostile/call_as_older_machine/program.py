# Makes a call as 32-bit programs do, whose numbers mean other things to a filter.
import ctypes
import mmap

code = bytes.fromhex("b814000000cd80c3")  # mov eax, 20 (getpid); int 0x80; ret


def add(a, b):
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(code)
    ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
    return [a, b, a + b]


if __name__ == "__main__":
    add(1, 2)
