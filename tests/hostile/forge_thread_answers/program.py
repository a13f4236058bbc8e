# A thread takes over the channel and answers all requests with a lie, while its parent waits.
import sys
import threading

channel = sys.modules["executor.guest.channel"].Channel(3)


def lie(number):
    for following in range(number, number + 100):
        channel.send({"id": following, "value": True, "raised": None})


def add(a, b):
    frame = sys._getframe()
    while "request" not in frame.f_locals:
        frame = frame.f_back
    threading.Thread(target=lie, args=(frame.f_locals["request"]["id"],)).start()
    threading.Event().wait()
