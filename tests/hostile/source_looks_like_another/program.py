# Names that look alike, run from right to left, and are the same when normalized.
а = 1  # Cyrillic
def add(a, b):
    א = a  # ‮ )b ,a( dda‬
    ﬁ = b
    return [א, fi, ａ + b]


if __name__ == "__main__":
    print(*add(*map(int, input().split())))
