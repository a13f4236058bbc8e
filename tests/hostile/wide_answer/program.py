# Many small values, nested as far as is allowed.
def add(a, b):
    value = [[]] * 1000
    for _ in range(190):
        value = (value,)
    return [value, {n: {n} for n in range(1000)}]
