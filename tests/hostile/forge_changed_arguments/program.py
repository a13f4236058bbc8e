# Attacks in-place changes: changes arguments of the test that were never lists.
import struct
import sys

channel = sys.modules["executor.guest.channel"]
honest = channel.pack


def pack(message):
    if "id" not in message:
        return honest(message)
    changed = b'[[0,[[46],{}]],[1,[]],[2,{"a":1}],[-1,[1]],["x",1],[99,[3]]]'
    text = b'{"id":%d,"value":null,"nodes":[],"changed":%s}' % (message["id"], changed)
    return struct.pack(">I", len(text)) + text


channel.pack = pack


def add(a, b):
    return None
