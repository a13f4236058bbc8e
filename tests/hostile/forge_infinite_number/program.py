# Attacks whoever writes the answer out again: JSON knows no NaN.
import struct
import sys

channel = sys.modules["executor.guest.channel"]
honest = channel.pack


def pack(message):
    if "id" not in message:
        return honest(message)
    text = b'{"id":%d,"value":NaN}' % message["id"]
    return struct.pack(">I", len(text)) + text


channel.pack = pack


def add(a, b):
    return None
