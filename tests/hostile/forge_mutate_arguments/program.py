def add(*args):
    return list(args)
