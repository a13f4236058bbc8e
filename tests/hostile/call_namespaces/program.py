# Makes namespaces and enters others, by every call that can.
import ctypes

libc = ctypes.CDLL(None, use_errno=True)


def add(a, b):
    for name, number, *words in (
        ("unshare", 272, 0x10000000),
        ("unshare", 272, 0x20000),
        ("setns", 308, 0, 0),
        ("clone", 56, 0x10000011, 0, 0, 0, 0),
        ("clone", 56, 0x40000011, 0, 0, 0, 0),
        ("clone", 56, 0x20000011, 0, 0, 0, 0),
    ):
        if libc.syscall(number, *words) != -1 or ctypes.get_errno() != 1:
            return [a, b, a + b]  # Not refused, or by something other than the sandbox.
    raise PermissionError("all of them are refused")


if __name__ == "__main__":
    add(1, 2)
