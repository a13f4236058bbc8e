# Attacks the report of exceptions: a list where its name and text should be.
import struct
import sys

channel = sys.modules["executor.guest.channel"]
honest = channel.pack


def pack(message):
    if "id" not in message:
        return honest(message)
    text = b'{"id":%d,"raised":[[[]],"passed"],"value":true}' % message["id"]
    return struct.pack(">I", len(text)) + text


channel.pack = pack


def add(a, b):
    return None
