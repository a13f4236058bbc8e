# Returns an object of its own that has elements and a length.
class Answer:
    def __init__(self, *items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, key):
        return self.items[key]

    def __iter__(self):
        return iter(self.items)


def add(a, b):
    return Answer(a, b, a + b)
