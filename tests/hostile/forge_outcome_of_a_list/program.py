# Provokes an error of ours: outcomes of other kinds, and texts that are none.
import sys


def answer(self, request):
    return {"id": request["id"], "failed": ["passed"], "detail": {"x": None}}


sys.modules["executor.guest.calls"]._Host.answer = answer


def add(a, b):
    return None
