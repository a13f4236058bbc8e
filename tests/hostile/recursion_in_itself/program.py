# A list that contains itself, and a dict too.
def add(a, b):
    value = [a, b]
    value.append({"x": value})
    return value
