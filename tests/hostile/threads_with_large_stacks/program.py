# Threads whose stacks do not fit into memory.
import threading

threading.stack_size(1 << 30)


def add(a, b):
    threading.Thread(target=print).start()
    return [a, b, a + b]


if __name__ == "__main__":
    add(1, 2)
