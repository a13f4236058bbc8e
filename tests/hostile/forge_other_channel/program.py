# Puts its standard output in the place of the channel.
import os


def add(a, b):
    os.dup2(1, 3)
    return True
