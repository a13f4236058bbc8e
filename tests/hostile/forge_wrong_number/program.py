# Attacks the pairing of requests and answers: answers a request that was not made.
import struct
import sys

channel = sys.modules["executor.guest.channel"]
honest = channel.pack


def pack(message):
    if "id" not in message:
        return honest(message)
    text = b'{"id":%d,"value":true}' % (message["id"] + 1)
    return struct.pack(">I", len(text)) + text


channel.pack = pack


def add(a, b):
    return None
