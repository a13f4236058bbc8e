# Reports a compile error when it has long been compiled.
import json
import os
import struct

body = json.dumps({"compile_error": "SyntaxError: not my fault"}).encode()
os.write(3, struct.pack(">I", len(body)) + body)


def add(a, b):
    return None
