# Attacks the decoder of values: a fraction is computed from text, however large its exponent.
import struct
import sys

channel = sys.modules["executor.guest.channel"]
honest = channel.pack


def pack(message):
    if "id" not in message:
        return honest(message)
    text = b'{"id":%d,"value":{"$fraction":["1e6000"]}}' % message["id"]
    return struct.pack(">I", len(text)) + text


channel.pack = pack


def add(a, b):
    return None
