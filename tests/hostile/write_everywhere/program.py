def add(a, b):
    for name in ("/x", "/py/x", "/lib/x", "/dev/x"):
        with open(name, "w") as file:
            file.write("x")
    return [a, b, a + b]

if __name__ == "__main__":
    add(1, 2)
