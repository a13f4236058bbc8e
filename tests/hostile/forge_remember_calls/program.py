# Keeps what it has seen for the next call, and answers with that.
seen = []


def add(a, b):
    seen.append([a, b, 0])
    return seen[0]
