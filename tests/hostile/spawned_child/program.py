# Has a spawned process print the answer.
import os

a, b = map(int, input().split())
code = f"print({a}, {b}, {a} + {b})"
pid = os.posix_spawn("/py/bin/python3", ["python3", "-S", "-c", code], os.environ)
raise SystemExit(os.waitpid(pid, 0)[1])
