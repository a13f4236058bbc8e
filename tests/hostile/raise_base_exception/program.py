def add(a, b):
    raise BaseException("out of the way")

if __name__ == "__main__":
    add(1, 2)
