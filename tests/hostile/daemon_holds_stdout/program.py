import os
import time

a, b = map(int, input().split())
print(a, b, a + b, flush=True)
if os.fork() == 0:
    os.setsid()
    time.sleep(600)
