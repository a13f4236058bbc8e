# Sends open files along with an answer, for the supervisor to hold.
import json
import socket
import struct
import sys


def add(a, b):
    frame = sys._getframe()
    while "request" not in frame.f_locals:
        frame = frame.f_back
    body = json.dumps({"id": frame.f_locals["request"]["id"], "value": [a, b]}).encode()
    with socket.socket(fileno=3) as channel:
        socket.send_fds(channel, [struct.pack(">I", len(body)) + body], [0, 1, 2] * 20)
        channel.recv(1)
    return None
