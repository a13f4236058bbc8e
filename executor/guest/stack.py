"""Tells the interpreter how large its stack is, which from Python 3.14 on it asks for itself.

It then ends recursion in C by `RecursionError`, before the stack ends. Without `/proc`, as in a
jail, glibc cannot say where the first thread's stack ends, and the interpreter takes 4 MB for it:
half as much as in a plain process, and a quarter of what a jail has.
"""

import ctypes

_MARGIN = 128 * 1024
"""Above the first frame, and counted by the kernel, are the arguments and the environment."""


def tell(size: int) -> None:
    """Have this thread, a process's first, recurse as deep as a stack of so many bytes allows.

    Raises:
        ValueError: the interpreter finds it too small.
    """
    python = ctypes.pythonapi
    try:
        protect = python.PyUnstable_ThreadState_SetStackProtection
    except AttributeError:
        return  # Before 3.14 nothing counts the stack.
    thread = python.PyThreadState_Get
    thread.restype = ctypes.c_void_p
    protect.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
    # Of the dynamic loader: where the stack was when the program began; it grows down from there.
    end = ctypes.c_void_p.in_dll(ctypes.CDLL(None), "__libc_stack_end").value
    assert end is not None
    protect(thread(), end - size + _MARGIN, size - _MARGIN)
