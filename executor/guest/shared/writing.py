"""Writes the files of a suite into its folder."""

import base64
import os
from collections.abc import Mapping

from executor.guest.placing import FOLDER


def write_files(files: Mapping[str, str], data_files: Mapping[str, str]) -> None:
    """Write texts, and what is in base64, by their paths in the folder."""
    for name, text in files.items():
        write(os.path.join(FOLDER, name), text)
    for name, data in data_files.items():
        path = os.path.join(FOLDER, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))


def write(path: str, text: str) -> None:
    """Write a file, and the folders that it is in."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8", errors="surrogatepass") as file:
        file.write(text)
