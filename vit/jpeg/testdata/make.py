#!/usr/bin/env python3
"""Makes the JPEG files of this folder and expected.json: what Pillow decodes each to.

    python make.py      (Pillow 12.1.1; cjpeg and jpegtran of libjpeg-turbo on the path)

The pictures are drawn by a formula: smooth colour, hard edges and noise, so that every coefficient takes part.
"""

import hashlib
import io
import json
import os
import subprocess
import sys

from PIL import Image, features

HERE = os.path.dirname(os.path.abspath(__file__))


def pixels(width, height, bands):
    out, seed = bytearray(), 12345
    for y in range(height):
        for x in range(width):
            for b in range(bands):
                seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
                v = (x * (5 + b) + y * (9 - 2 * b)) % 256
                if (x // 5 + y // 7) % 3 == b % 3:
                    v = 255 - v
                out.append(max(0, min(255, v + (seed >> 16) % 41 - 20)))
    return bytes(out)


def picture(width, height, mode):
    return Image.frombytes(mode, (width, height), pixels(width, height, len(mode)))


def pillow(image, **options):
    f = io.BytesIO()
    image.save(f, "JPEG", **options)
    return f.getvalue()


def cjpeg(image, *arguments):
    f = io.BytesIO()
    image.save(f, "PPM")
    return subprocess.run(["cjpeg", *arguments], input=f.getvalue(), stdout=subprocess.PIPE, check=True).stdout


def jpegtran(data, *arguments):
    return subprocess.run(["jpegtran", *arguments], input=data, stdout=subprocess.PIPE, check=True).stdout


def adobe_rgb(data):
    """The same scans declared as RGB: an Adobe marker with transform 0 in place of JFIF's."""
    assert data[2:4] == b"\xff\xe0"
    size = int.from_bytes(data[4:6], "big")
    return data[:2] + b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00" + data[4 + size :]


def files():
    odd, small, thin = picture(33, 50, "RGB"), picture(17, 11, "RGB"), picture(1, 1, "RGB")
    for quality in (1, 50, 95, 100):
        yield f"quality{quality}", pillow(odd, quality=quality)
    for name, sampling in (("444", 0), ("422", 1), ("420", 2)):
        yield f"progressive{name}", pillow(odd, quality=80, progressive=True, subsampling=sampling)
    for sampling in ("1x1", "2x1", "2x2", "1x2", "4x1", "1x4", "4x2", "2x4", "3x1", "2x3"):
        yield f"sampling{sampling}", cjpeg(odd, "-quality", "85", "-sample", f"{sampling},1x1,1x1")
        yield f"sampling{sampling}small", cjpeg(small, "-quality", "85", "-sample", f"{sampling},1x1,1x1")
    yield "sampling2x2_2x1_1x2", cjpeg(odd, "-sample", "2x2,2x1,1x2")
    yield "sampling1x1_2x2", cjpeg(odd, "-sample", "1x1,2x2,2x2")
    yield "pixel", pillow(thin, quality=90)
    yield "block", pillow(picture(8, 8, "RGB"), quality=90)
    yield "row", pillow(picture(40, 1, "RGB"), quality=90)
    yield "column", pillow(picture(1, 40, "RGB"), quality=90)
    yield "gray", pillow(picture(33, 50, "L"), quality=85)
    yield "gray_progressive", pillow(picture(33, 50, "L"), quality=85, progressive=True)
    yield "cmyk", pillow(picture(33, 50, "CMYK"), quality=85)
    yield "cmyk_progressive", pillow(picture(33, 50, "CMYK"), quality=85, progressive=True)
    yield "ycck", pillow(picture(33, 50, "CMYK"), quality=85).replace(b"Adobe\x00\x64\x00\x00\x00\x00\x00", b"Adobe\x00\x64\x00\x00\x00\x00\x02")
    yield "cmyk_without_adobe", drop_adobe(pillow(picture(33, 50, "CMYK"), quality=85))
    yield "rgb", adobe_rgb(pillow(odd, quality=90, subsampling=0))
    yield "optimized", pillow(odd, quality=75, optimize=True)
    yield "restart1", cjpeg(odd, "-restart", "1B", "-sample", "2x2")
    yield "restart3", cjpeg(odd, "-restart", "3B", "-progressive")
    yield "restart_row", jpegtran(pillow(odd, quality=70), "-restart", "1")
    yield "sixteen_bit_tables", cjpeg(odd, "-quality", "3", "-sample", "1x1")
    whole = cjpeg(odd, "-restart", "2B", "-sample", "2x1")
    at = whole.index(b"\xff\xd1")
    yield "restart_lost", whole[: at - 9] + whole[at + 2 :]
    damaged = bytearray(pillow(odd, quality=85))
    scan = damaged.index(b"\xff\xda") + 60
    damaged[scan] ^= 0x55
    damaged[scan + 40] ^= 0x0F
    yield "damaged", bytes(damaged).replace(b"\xff\xff", b"\xff\x00")
    yield "comment_and_padding", b"\xff\xd8\xff\xff\xff\xfe\x00\x06abcd" + pillow(small)[2:]


def drop_adobe(data):
    at = data.index(b"\xff\xee")
    return data[:at] + data[at + 2 + int.from_bytes(data[at + 2 : at + 4], "big") :]


def main():
    from PIL import __version__

    if __version__ != "12.1.1":
        sys.exit(f"Pillow is {__version__}, and 12.1.1 is the reference")
    expected = {"made by": f"Pillow {__version__}, libjpeg-turbo {features.version('libjpeg_turbo')}", "files": {}}
    for name, data in files():
        try:
            rgb = Image.open(io.BytesIO(data)).convert("RGB")
        except OSError as e:
            sys.exit(f"{name}: {e}")
        with open(os.path.join(HERE, name + ".jpg"), "wb") as f:
            f.write(data)
        expected["files"][name + ".jpg"] = {"width": rgb.width, "height": rgb.height, "sha256": hashlib.sha256(rgb.tobytes()).hexdigest()}
    with open(os.path.join(HERE, "expected.json"), "w", encoding="utf-8") as f:
        json.dump(expected, f, indent=1)
        f.write("\n")


main()
