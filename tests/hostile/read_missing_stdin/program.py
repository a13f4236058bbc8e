def add(a, b):
    import sys
    return sys.stdin.buffer.read(10**9).decode()[10**6]

if __name__ == "__main__":
    add(1, 2)
