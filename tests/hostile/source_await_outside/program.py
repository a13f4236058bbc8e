# Parses, and is refused only by the compiler.
def add(a, b):
    return await [a, b]
