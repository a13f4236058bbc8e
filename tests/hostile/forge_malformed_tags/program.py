# Attacks the decoder of values: every tag with a body of another kind.
import struct
import sys

channel = sys.modules["executor.guest.channel"]
honest = channel.pack


def pack(message):
    if "id" not in message:
        return honest(message)
    text = b'{"id":%d,"value":[{"$set":[[]]},{"$type":[]},{"$range":[1,2,0]},{"$timedelta":[1e308]}]}' % message["id"]
    return struct.pack(">I", len(text)) + text


channel.pack = pack


def add(a, b):
    return None
