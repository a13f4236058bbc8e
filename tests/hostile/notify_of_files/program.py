# Has itself told when somebody reads in a directory that all jails can read.
import fcntl
import os


def add(a, b):
    fcntl.fcntl(os.open("/py/lib", os.O_RDONLY), fcntl.F_NOTIFY, fcntl.DN_ACCESS)
    return [a, b, a + b]
