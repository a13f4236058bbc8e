# Ends lines as another system does, with spaces before and empty lines behind.
import sys

a, b = map(int, input().split())
sys.stdout.write(f"{a} {b} {a + b}  \t\r\n\r\n \r\n")
