"""WebP files: Pillow's encoder for the streams, containers by hand."""
import io
import struct

import numpy as np
from PIL import Image

from common import H, W, alpha, exif, rgb, xmp


def webp(values, **kw):
    f = io.BytesIO()
    Image.fromarray(values).save(f, "WEBP", **kw)
    return f.getvalue()


def chunk(name, body):
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def riff(*chunks):
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def u24(v):
    return struct.pack("<I", v)[:3]


def canvas(w, h, flags):
    return chunk(b"VP8X", bytes([flags, 0, 0, 0]) + u24(w - 1) + u24(h - 1))


def stream(data):
    """The chunks of a still file that hold its picture."""
    out, at = b"", 12
    while at < len(data):
        n = struct.unpack_from("<I", data, at + 4)[0]
        if data[at:at + 4] in (b"VP8 ", b"VP8L", b"ALPH"):
            out += data[at:at + 8 + n + n % 2]
        at += 8 + n + n % 2
    return out


def animated(*frames, w=W, h=H, flags=2):
    """Frames are ((x, y), pixels of the frame, its options), by twos as the format asks."""
    out = []
    for (x, y), values, kw in frames:
        head = u24(x // 2) + u24(y // 2) + u24(values.shape[1] - 1) + u24(values.shape[0] - 1) + u24(100) + b"\0"
        out.append(chunk(b"ANMF", head + stream(webp(values, **kw))))
    return riff(canvas(w, h, flags), chunk(b"ANIM", b"\x30\x60\x90\xff\0\0"), *out)


def files():
    rgba = np.dstack([rgb(), alpha()])
    small = np.ascontiguousarray(rgb()[:6, :7])
    lossy, lossless = dict(quality=60), dict(lossless=True, exact=True)
    out = {
        "lossy.webp": webp(rgb(), **lossy),
        "lossy_1x1.webp": webp(rgb(1, 1), **lossy),
        "lossy_2x3.webp": webp(rgb(2, 3), **lossy),
        "lossy_40x30.webp": webp(rgb(40, 30), quality=20),
        "lossy_sharp.webp": webp(rgb(32, 17), quality=100),
        "lossless.webp": webp(rgb(), **lossless),
        "lossless_palette.webp": webp(rgb() // 128 * 255, **lossless),
        "lossy_alpha.webp": webp(rgba, exact=True, **lossy),
        "lossy_alpha_coarse.webp": webp(rgba, exact=True, alpha_quality=10, **lossy),
        "lossless_alpha.webp": webp(rgba, **lossless),
        "animated.webp": animated(((0, 0), rgb(), lossy), ((2, 2), small, lossy)),
        "animated_lossless.webp": animated(((0, 0), rgb(), lossless), ((2, 2), small, lossless)),
        "animated_alpha.webp": animated(((0, 0), rgba, lossy | {"exact": True}), ((2, 2), small, lossy), flags=0x12),
        "animated_lossless_alpha.webp": animated(((0, 0), rgba, lossless), ((2, 2), small, lossy), flags=0x12),
        "animated_offset.webp": animated(((4, 2), small, lossless), ((0, 0), rgb(), lossy), flags=0x12),
        "animated_offset_lossy.webp": animated(((4, 2), small, lossy), ((0, 0), rgb(), lossy)),
        "xmp6.webp": riff(canvas(W, H, 4), stream(webp(rgb(), **lossy)), chunk(b"XMP ", xmp(6))),
        "exif3_xmp6.webp": riff(canvas(W, H, 12), stream(webp(rgb(), **lossy)), chunk(b"EXIF", exif(3)), chunk(b"XMP ", xmp(6))),
        "canvas_smaller.webp": riff(canvas(4, 4, 0), stream(webp(rgb(), **lossy))),
        "canvas_larger.webp": riff(canvas(40, 40, 0), stream(webp(rgb(), **lossless))),
        "canvas_other_alpha.webp": riff(canvas(4, 4, 16), stream(webp(rgba, exact=True, **lossy))),
        "animated_one_frame_unlike.webp": riff(canvas(W, H, 2), chunk(b"ANIM", bytes(6)), chunk(b"ANMF", u24(0) * 2 + u24(3) * 2 + u24(100) + b"\0" + stream(webp(rgb(), **lossless)))),
        "alpha_flag_unused.webp": riff(canvas(W, H, 16), stream(webp(rgb(), **lossy))),
        "alpha_unflagged.webp": riff(canvas(W, H, 0), stream(webp(rgba, exact=True, **lossy))),
        "alpha_flag_unused_lossless.webp": riff(canvas(W, H, 16), stream(webp(rgb(), **lossless))),
        "trailing.webp": webp(rgb(), **lossless) + b"JUNKjunkJUNK",
        "exif_headed.webp": riff(canvas(W, H, 8), stream(webp(rgb(), **lossless)), chunk(b"EXIF", b"Exif\0\0" + exif(8))),
        "exif_unflagged.webp": riff(canvas(W, H, 0), stream(webp(rgb(), **lossless)), chunk(b"EXIF", exif(6))),
        "animated_exif5.webp": animated(((0, 0), rgb(), lossless), flags=0x0a),
    }
    out["animated_exif5.webp"] = riff(out["animated_exif5.webp"][12:], chunk(b"EXIF", exif(5)))
    for o in range(2, 9):
        out[f"exif{o}.webp"] = webp(rgb(), exif=exif(o, "<>"[o & 1]), **lossless)
    return out
