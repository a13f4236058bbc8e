# Raises in whoever compares it or asks for its hash.
from decimal import Decimal


def add(a, b):
    return [Decimal("sNaN"), {a: Decimal("sNaN")}, Decimal("1e999999999999")]
