# Wants a future that never came.
from __future__ import braces
def add(a, b):
    return [a, b, a + b]
