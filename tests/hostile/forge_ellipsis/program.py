# Values that stand for anything in somebody's language.
def add(a, b):
    return [..., NotImplemented is None, object]
