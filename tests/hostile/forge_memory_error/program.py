# Ends badly with a last line that blames something else.
import sys

print("passed", file=sys.stderr)
print("MemoryError: \x00\ud800".encode("utf-8", "surrogatepass"), file=sys.stderr)
sys.exit("MemoryError")
