# Attacks references: numbers that are negative, huge or no numbers.
import struct
import sys

channel = sys.modules["executor.guest.channel"]
honest = channel.pack


def pack(message):
    if "id" not in message:
        return honest(message)
    text = b'{"id":%d,"value":[{"$at":-9},{"$handle":-1},{"$handle":1e300},{"$at":true}]}' % message["id"]
    return struct.pack(">I", len(text)) + text


channel.pack = pack


def add(a, b):
    return None
