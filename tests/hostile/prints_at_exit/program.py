# Prints from an exit handler; another one of them fails, which changes nothing.
import atexit

a, b = map(int, input().split())
atexit.register(lambda: 1 / 0)
atexit.register(print, a, b, a + b)
