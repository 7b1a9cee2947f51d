"""Writes the pictures beside it, and what the reference makes of them, from nothing but formulas.

    python make.py        needs Pillow 12.1.1, NumPy and transformers

expected.json: size and SHA-256 of the RGB bytes of each file after transformers' load_image, after its convert_to_rgb
where that changes them (a transparent color turns white), and of each frame of a GIF.
resize.json: Pillow's bicubic resize and transformers' smart_resize over tables of sizes.
"""
import hashlib
import io
import json
import pathlib

import PIL
from PIL import Image, ImageSequence
from transformers.image_transforms import convert_to_rgb
from transformers.image_utils import load_image
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil, smart_resize

import make_bmp
import make_gif
import make_png
import make_tiff
import make_webp
from common import exif, rgb

HERE = pathlib.Path(__file__).parent
SIZES = [((7, 5), (7, 5)), ((7, 5), (14, 5)), ((7, 5), (7, 10)), ((7, 5), (3, 5)), ((7, 5), (7, 2)), ((64, 48), (28, 28)), ((64, 48), (56, 84)),
         ((1, 1), (28, 28)), ((1, 40), (28, 56)), ((40, 1), (56, 28)), ((40, 30), (1, 1)), ((3, 2), (301, 203)), ((301, 203), (3, 2)), ((200, 1), (28, 28)),
         ((1, 200), (28, 28)), ((600, 3), (56, 28)), ((3, 600), (28, 56)), ((100, 99), (99, 100)), ((64, 48), (64, 28)), ((57, 101), (56, 112)), ((2, 2), (3, 3)),
         ((640, 480), (644, 476)), ((640, 4), (28, 640))]
SMART = [(h, w, f, lo, hi) for lo, hi in ((56 * 56, 28 * 28 * 1280), (3136, 12845056), (784, 1003520)) for f in (28,)
         for h, w in ((480, 640), (1, 1), (1, 200), (200, 1), (1, 201), (201, 1), (13, 11), (28, 28), (42, 42), (70, 70), (14, 14), (98, 126), (2000, 3000), (55, 57),
                      (10000, 50), (50, 10000), (50, 10001), (8000, 8000), (65535, 400), (31, 3333), (1002, 1001), (1500, 669), (56, 56), (27, 117))]


def sha(b):
    return hashlib.sha256(b).hexdigest()


def jpeg():
    f = io.BytesIO()
    Image.fromarray(rgb(29, 23)).save(f, "JPEG", quality=80, exif=b"Exif\0\0" + exif(6))
    return f.getvalue()


def pictures():
    out = {"exif6.jpg": jpeg()}
    for m in (make_png, make_gif, make_webp, make_bmp, make_tiff):
        out |= m.files()
    return out


def expect(path):
    try:
        img = load_image(str(path))
    except Exception as e:  # the reference's refusals are part of what is expected
        return {"error": type(e).__name__}
    row = {"size": list(img.size), "rgb": sha(img.tobytes())}
    white = sha(convert_to_rgb(img).tobytes())
    if white != row["rgb"]:
        row["white"] = white
    if path.suffix == ".gif":
        with Image.open(path) as anim:
            frames = [(f.info.get("duration", 0), sha(f.convert("RGB").tobytes())) for f in ImageSequence.Iterator(anim)]
        row["frames"] = [{"ms": ms, "rgb": s} for ms, s in frames]
    return row


def resized(size, to):
    out = Image.fromarray(rgb(*size)).resize(to, Image.Resampling.BICUBIC)
    return {"from": size, "to": to, "rgb": sha(out.tobytes())}


def smart(h, w, factor, lo, hi):
    row = {"h": h, "w": w, "factor": factor, "min": lo, "max": hi}
    try:
        return row | {"to": smart_resize(h, w, factor, lo, hi)}
    except ValueError as e:
        return row | {"error": str(e)}


def patches(size):
    """The official processor on the common picture: the grid, and its float32 values in the order of the model."""
    out = Qwen2VLImageProcessorPil(min_pixels=3136, max_pixels=20000)(Image.fromarray(rgb(*size)), return_tensors="np")
    return {"from": size, "grid": out["image_grid_thw"][0].tolist(), "values": sha(out["pixel_values"].astype("<f4").tobytes())}


def write(name, value):
    (HERE / name).write_text(json.dumps(value, indent=1) + "\n")


def main():
    assert PIL.__version__ == "12.1.1", "the bytes of other versions differ"
    total, expected = 0, {}
    for old in (HERE / "files").glob("*"):
        old.unlink()
    for name, data in sorted(pictures().items()):
        (HERE / "files" / name).parent.mkdir(exist_ok=True)
        (HERE / "files" / name).write_bytes(data)
        total += len(data)
        expected[name] = expect(HERE / "files" / name)
    write("expected.json", expected)
    write("resize.json", {"resize": [resized(*s) for s in SIZES], "smart": [smart(*s) for s in SMART],
                          "patches": [patches(s) for s in ((56, 56), (84, 140), (13, 11), (200, 150), (300, 20))]})
    print(f"{len(expected)} pictures, {total} bytes; the reference refuses {[n for n, e in expected.items() if 'error' in e]}")


if __name__ == "__main__":
    main()
