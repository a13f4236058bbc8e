# coding: unicode_escape
print("3 6 9")
