# Wrong by a number too long to be printed, where a wrong answer is put into words.
def add(a, b):
    return [a, b, 10**5000]
