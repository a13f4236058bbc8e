# Leaves threads that never end; they are told to go with the rest.
import threading

for _ in range(5):
    threading.Thread(target=threading.Event().wait, daemon=True).start()


def add(a, b):
    return [a, b, a + b]


if __name__ == "__main__":
    print(*add(*map(int, input().split())))
