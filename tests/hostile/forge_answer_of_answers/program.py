# Attacks the reader of messages: a list of verdicts instead of one answer.
import struct
import sys

channel = sys.modules["executor.guest.channel"]
honest = channel.pack


def pack(message):
    if "id" not in message:
        return honest(message)
    text = b'[{"id":%d,"value":true},{"done":[["passed",""]]}]' % message["id"]
    return struct.pack(">I", len(text)) + text


channel.pack = pack


def add(a, b):
    return None
