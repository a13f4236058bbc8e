# Attacks the report of exceptions: names built-ins that are no exceptions.
import struct
import sys

channel = sys.modules["executor.guest.channel"]
honest = channel.pack


def pack(message):
    if "id" not in message:
        return honest(message)
    text = b'{"id":%d,"raised":{"type":"print","text":{"memory":[]},"memory":1}}' % message["id"]
    return struct.pack(">I", len(text)) + text


channel.pack = pack


def add(a, b):
    return None
