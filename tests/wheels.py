"""Packages made for a test, and a home whose images are its own."""

import base64
import hashlib
import os
import shutil
import zipfile

from executor.images.image import stage


def own_home(open_directory, name):
    """Make a home of a test's own, which jails can enter, with links to what is staged for all."""
    folder = open_directory / f"home-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    folder.mkdir()
    folder.chmod(0o755)
    staged = stage(open_directory / "executor").root
    shutil.copytree(staged, folder / "images" / staged.name, copy_function=os.link)
    return folder


class Wheels:
    """Makes wheels, and requirements that are looked for among them alone."""

    def __init__(self, folder):
        self.folder = folder

    def add(self, name, version, modules, requires=(), entry_points=""):
        info = f"{name}-{version}.dist-info"
        files = {
            **modules,
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
            + "".join(f"Requires-Dist: {one}\n" for one in requires),
            f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n"
            "Tag: py3-none-any\n",
        }
        if entry_points:
            files[f"{info}/entry_points.txt"] = entry_points
        record = "".join(
            f"{file},sha256={_digest(text)},{len(text)}\n" for file, text in files.items()
        )
        path = self.folder / f"{name}-{version}-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as wheel:
            for file, text in {**files, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
                wheel.writestr(file, text)
        return path

    def requirements(self, *lines):
        path = self.folder / "requirements.txt"
        path.write_text("\n".join(["--no-index", "--find-links .", *lines]) + "\n")
        return path


def _digest(text):
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
