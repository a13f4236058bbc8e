# Maps a hundred gigabytes and touches none of it.
import mmap


def add(a, b):
    mmap.mmap(-1, 100 << 30)
    return [a, b, a + b]


if __name__ == "__main__":
    add(1, 2)
