# Text with NUL and lone surrogates, in a value and a key.
def add(a, b):
    return {"\x00": "\ud800", "\udfff": b"\xff\x00", "$\ud800": "\x00"}
