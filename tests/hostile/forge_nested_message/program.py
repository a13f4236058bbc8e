# Attacks whoever reads or writes messages recursively.
import struct
import sys

channel = sys.modules["executor.guest.channel"]
honest = channel.pack


def pack(message):
    if "id" not in message:
        return honest(message)
    text = b'{"id":%d,"value":' % message["id"] + b"[" * 900 + b"]" * 900 + b"}"
    return struct.pack(">I", len(text)) + text


channel.pack = pack


def add(a, b):
    return None
