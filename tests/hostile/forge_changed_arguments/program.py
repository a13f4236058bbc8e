# Attacks in-place changes: changes arguments of the test that were never lists.
import struct
import sys

channel = sys.modules["executor.guest.channel"]
honest = channel.pack


def pack(message):
    if "id" not in message:
        return honest(message)
    letter = b'[false,0,[[0,[1]],[-1,{}],["x",1]],true]'
    text = b'{"id":%d,"value":null,"letter":%s}' % (message["id"], letter)
    return struct.pack(">I", len(text)) + text


channel.pack = pack


def add(a, b):
    return None
