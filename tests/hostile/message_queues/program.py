# Makes a message queue, whose messages are the kernel's memory.
import ctypes

libc = ctypes.CDLL(None, use_errno=True)


def add(a, b):
    if libc.syscall(240, b"queue", 0o102, 0o600, None) < 0:
        raise OSError(ctypes.get_errno(), "mq_open")
    return [a, b, a + b]


if __name__ == "__main__":
    add(1, 2)
