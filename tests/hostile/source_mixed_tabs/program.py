# Indented by tabs in one line and by spaces in the next.
def add(a, b):
	c = a + b
        return [a, b, c]
