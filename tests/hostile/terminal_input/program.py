# Types commands into the terminal that it was started from.
import fcntl
import os
import termios


def add(a, b):
    for fd in (0, 1, 2):
        try:
            fcntl.ioctl(fd, termios.TIOCSTI, b"x")
        except OSError:
            continue
        return [a, b, a + b]
    os.close(os.open("/dev/tty", os.O_RDWR))
    return [a, b, a + b]


if __name__ == "__main__":
    add(1, 2)
