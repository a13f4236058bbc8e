# A dict that is exactly the tagged form of the arguments.
def add(a, b):
    return {"$seen": 0}
