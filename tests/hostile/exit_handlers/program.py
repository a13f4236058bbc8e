# Goes on for ever at its end.
import atexit

a, b = map(int, input().split())
print(a, b, a + b, flush=True)


@atexit.register
def again():
    while a == 3:
        pass
