# A program that is to run as its owner; it still runs as itself.
import os
import subprocess

with open("/tmp/program", "w") as file:
    file.write("#!/py/bin/python3\nimport os\nprint(os.geteuid())\n")
os.chmod("/tmp/program", 0o6755)
seen = int(subprocess.run(["/tmp/program"], capture_output=True).stdout)


def add(a, b):
    return [a, b, a + b] if seen == os.geteuid() != 0 else None
