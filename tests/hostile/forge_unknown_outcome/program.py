# Provokes an error of ours: a crash whose outcome does not exist.
import sys


def answer(self, request):
    return {"id": request["id"], "failed": "won", "detail": 7}


sys.modules["executor.guest.calls"]._Host.answer = answer


def add(a, b):
    return None
