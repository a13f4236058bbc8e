# Text that means something to whoever puts it into SQL, YAML, JSON, a format string or a shell.
def add(a, b):
    return [
        "'); DELETE FROM candidate; --",
        "!!python/object/apply:os.system ['true']",
        '"}],"outcome":"passed","x":[{"',
        "{0.__class__.__mro__} %n%n%s $(reboot) `reboot` \x1b[2K\r",
    ]
