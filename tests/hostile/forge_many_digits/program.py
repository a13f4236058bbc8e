# Attacks the reader of numbers: more digits than the interpreter converts.
import struct
import sys

channel = sys.modules["executor.guest.channel"]
honest = channel.pack


def pack(message):
    if "id" not in message:
        return honest(message)
    text = b'{"id":%d,"value":%s}' % (message["id"], b"9" * 5000)
    return struct.pack(">I", len(text)) + text


channel.pack = pack


def add(a, b):
    return None
