#!/usr/bin/env python3
"""Makes the JPEG files of this folder and expected.json: what Pillow decodes each to.

    python make.py      (Pillow 12.1.1 on x86-64; cjpeg and jpegtran of libjpeg-turbo on the path)

The pictures are drawn by a formula: smooth color, hard edges and noise, so that every coefficient takes part.
"""

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys

from PIL import Image, features

import surgery as cut

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
    for width in (2, 3, 4, 5, 32):
        for name, subsampling in (("422", 1), ("420", 2)):
            yield f"width{width}_{name}", pillow(picture(width, 9, "RGB"), quality=90, subsampling=subsampling)
    yield "pixel", pillow(thin, quality=90)
    yield "block", pillow(picture(8, 8, "RGB"), quality=90)
    yield "row", pillow(picture(40, 1, "RGB"), quality=90)
    yield "column", pillow(picture(1, 40, "RGB"), quality=90)
    yield "gray", pillow(picture(33, 50, "L"), quality=85)
    yield "gray_progressive", pillow(picture(33, 50, "L"), quality=85, progressive=True)
    yield "cmyk", pillow(picture(33, 50, "CMYK"), quality=85)
    yield "cmyk_progressive", pillow(picture(33, 50, "CMYK"), quality=85, progressive=True)
    yield "ycck", pillow(picture(33, 50, "CMYK"), quality=85).replace(b"Adobe\x00\x64\x00\x00\x00\x00\x00", b"Adobe\x00\x64\x00\x00\x00\x00\x02")
    yield "cmyk_without_adobe", cut.drop(pillow(picture(33, 50, "CMYK"), quality=85), 0xEE)
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


def unusual():
    """Files that no encoder writes: markers missing, doubled or contradicting each other, values out of range."""
    odd, gray = picture(33, 50, "RGB"), picture(33, 50, "L")
    plain, full = pillow(odd, quality=85), pillow(odd, quality=90, subsampling=0)
    for o in range(1, 9):
        yield f"orientation{o}", cut.insert(pillow(picture(12, 7, "RGB"), quality=75), cut.exif(o))
    yield "rgb", cut.insert(cut.drop(full, 0xE0), cut.adobe(0))
    yield "jfif_and_adobe_rgb", cut.insert(full, cut.adobe(0))
    yield "jfif_too_short", cut.insert(cut.drop(full, 0xE0), b"\xff\xe0\x00\x0aJFIF\x00\x01\x01\x00" + cut.adobe(0))
    yield "without_markers", cut.drop(full, 0xE0)
    yield "rgb_by_its_names", cut.drop(cjpeg(odd, "-rgb", "-quality", "90"), 0xEE)
    yield "without_huffman_tables", cut.drop(plain, 0xC4)
    yield "gray_2x2", cut.sampling(pillow(gray, quality=85), 0x22)
    yield "overflow", cut.insert(cut.drop(pillow(odd, quality=100), 0xDB), cut.quantizers(1500))
    yield "overflow_full", cut.insert(cut.drop(pillow(odd, quality=30, subsampling=0), 0xDB), cut.quantizers(32767))
    yield "overflow_gray", cut.insert(cut.drop(pillow(gray, quality=90), 0xDB), cut.quantizers(257))

    progressive = pillow(odd, quality=85, progressive=True)
    start, end = cut.scans(progressive)[-1]
    yield "refined_twice", progressive[:end] + progressive[start:end] + progressive[end:]
    second = cut.scans(progressive)[1][0]
    yield "quantizers_later", progressive[:second] + cut.quantizers(99) + progressive[second:]

    start, _ = cut.scans(plain)[0]
    yield "no_such_code", cut.put(plain, start + 60, b"\xff\x00" * 6)
    whole = cjpeg(odd, "-restart", "1B", "-sample", "2x1", "-quality", "60")
    marks = cut.restarts(whole)
    yield "restart_two_lost", whole[: marks[3] - 4] + whole[marks[5] :]
    yield "restart_three_lost", whole[: marks[3] - 4] + whole[marks[6] :]
    yield "restart_repeated", cut.put(whole, marks[3] + 1, whole[marks[2] + 1 : marks[2] + 2])
    yield "restart_of_long_ago", cut.put(whole, marks[3] + 1, whole[marks[7] + 1 : marks[7] + 2])
    yield "restart_runs_short", whole[: marks[1] + 4] + whole[marks[2] : marks[4]] + whole[marks[5] :]
    runs = cjpeg(gray.convert("RGB").resize((64, 64)), "-progressive", "-restart", "2B", "-quality", "20")
    start, end = cut.scans(runs)[2]
    at = next(i for i in range(start + 10, end) if runs[i] == 0xFF and 0xD0 <= runs[i + 1] <= 0xD7)
    yield "restart_within_a_run", runs[:at - 1] + b"\xe7" + runs[at:]


def main():
    from PIL import __version__

    if __version__ != "12.1.1":
        sys.exit(f"Pillow is {__version__}, and 12.1.1 is the reference")
    missing = [tool for tool in ("cjpeg", "jpegtran") if not shutil.which(tool)]
    if missing:
        sys.exit(f"{' and '.join(missing)} not found; install libjpeg-turbo-progs. Nothing was written")
    expected = {"made by": f"Pillow {__version__}, libjpeg-turbo {features.version('libjpeg_turbo')}", "files": {}}
    for name, data in [*files(), *unusual()]:
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
