# A dict that looks like the tagged form of other values.
def add(a, b):
    return {"$ref": 0, "$tuple": [a, b], "$seen": 0, "$dict": [["$set", []]]}
