# One text of a gigabyte, then another made of it.
def add(a, b):
    text = "a" * 10**9
    return text.encode() + text.upper().encode()


if __name__ == "__main__":
    add(1, 2)
