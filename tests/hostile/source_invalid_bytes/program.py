# Bytes that are no text: ÿών €
def add(a, b):
    return [a, b, a + b]
