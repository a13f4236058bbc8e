# Uses a timer and signals for its own purposes.
import signal

seen = []
signal.signal(signal.SIGALRM, lambda *_: seen.append(1))


def add(a, b):
    signal.setitimer(signal.ITIMER_REAL, 0.001)
    while not seen:
        signal.pause()
    return [a, b, a + b]


if __name__ == "__main__":
    print(*add(*map(int, input().split())))
