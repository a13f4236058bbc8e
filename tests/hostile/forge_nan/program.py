def add(a, b):
    return [float("nan")] * 3
