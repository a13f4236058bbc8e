# Leaves the work to a thread that outlives the main one.
import threading
import time


def main():
    time.sleep(0.05)
    a, b = map(int, input().split())
    print(a, b, a + b)


threading.Thread(target=main).start()
