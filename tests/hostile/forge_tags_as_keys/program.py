# A dict that looks like the tagged form of other values.
def add(a, b):
    return {"$ref": 0, "$tuple": [a, b], "$arg": 0, "$dict": [["$set", []]]}
