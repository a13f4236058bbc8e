# Memory that not even the kernel maps, which it cannot take back.
import ctypes
import mmap

libc = ctypes.CDLL(None, use_errno=True)


def add(a, b):
    fd = libc.syscall(447, 0)
    if fd < 0:
        raise OSError(ctypes.get_errno(), "no secret memory")
    pages = mmap.mmap(fd, 1 << 20)
    pages[0] = 1
    return [a, b, a + b]


if __name__ == "__main__":
    add(1, 2)
