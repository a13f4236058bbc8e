# Has another interpreter, started anew, find the answer.
import subprocess
import sys


def add(a, b):
    code = f"print({a} + {b})"
    done = subprocess.run(["/py/bin/python3", "-S", "-c", code], capture_output=True, check=True)
    return [a, b, int(done.stdout)]
