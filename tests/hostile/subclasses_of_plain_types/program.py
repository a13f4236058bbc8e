# Values of classes that are like the plain ones, and mean no harm.
import collections
import enum


class Number(enum.IntEnum):
    THREE = 3


class Row(collections.UserString, str):
    pass


class List(list):
    pass


def add(a, b):
    return List([Number(a) if a == 3 else a, b, a + b])
