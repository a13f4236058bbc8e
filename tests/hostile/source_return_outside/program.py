# Parses, and is refused only by the compiler.
a, b = 1, 2
return [a, b, a + b]
