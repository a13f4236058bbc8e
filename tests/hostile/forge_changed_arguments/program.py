# Attacks in-place changes: changes arguments of the test that were never lists.
import struct
import sys

channel = sys.modules["executor.guest.channel"]
honest = channel.pack


def pack(message):
    if "id" not in message:
        return honest(message)
    letter = b'[false,0,[[0,[1],null],[-1,{},true],["x",1,[0,9]]],true]'
    text = b'{"id":%d,"value":null,"letter":%s}' % (message["id"], letter)
    return struct.pack(">I", len(text)) + text


channel.pack = pack


def add(a, b):
    return None
