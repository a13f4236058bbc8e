# Uses an operator that only a joke allows, and no file may turn on.
from __future__ import barry_as_FLUFL


def add(a, b):
    return [a, b, a + b] if a <> b else None
