"""BMP files of every depth that Windows wrote."""
import struct

import numpy as np

from common import H, W, alpha, gray, pack, palette, rgb


def bmp(rows, bits, colors=(), compression=0, w=W, h=H, masks=b"", header=40):
    """rows: the bytes of each row from the top, or one block of compressed data."""
    body = rows if isinstance(rows, bytes) else b"".join(r + b"\0" * (-len(r) % 4) for r in (rows if h < 0 else rows[::-1]))
    if header == 12:
        table = b"".join(bytes((b, g, r)) for r, g, b in colors)
        info = struct.pack("<IHHHH", 12, w, h, 1, bits)
    else:
        table = b"".join(bytes((b, g, r, 0)) for r, g, b in colors)
        info = struct.pack("<IiiHHIIiiII", header, w, h, 1, bits, compression, len(body), 2835, 2835, len(colors), 0) + masks
        info += bytes(max(0, header - len(info)))
    at = 14 + len(info) + len(table)
    return b"BM" + struct.pack("<IHHI", at + len(body), 0, 0, at) + info + table + body


def rle8(values):
    """Runs, literals and the end marks of each row, from the bottom."""
    out = b""
    for y, row in enumerate(values[::-1]):
        if y % 2:
            lit = bytes(map(int, row))
            out += bytes([0, len(lit)]) + lit + b"\0" * (len(lit) % 2)
        else:
            out += b"".join(bytes([1, int(v)]) for v in row)
        out += b"\0\0"
    return out + b"\0\1"


def rle4(values):
    return b"".join(b"".join(bytes([1, int(v) << 4]) for v in row) + b"\0\0" for row in values[::-1]) + b"\0\1"


def files():
    bgr = rgb()[:, :, ::-1]
    bgra = np.dstack([bgr, alpha()])
    r, g, b = (rgb()[:, :, c].astype(int) for c in range(3))
    p555 = [x.tobytes() for x in ((r >> 3) << 10 | (g >> 3) << 5 | b >> 3).astype("<u2")]
    p565 = [x.tobytes() for x in ((r >> 3) << 11 | (g >> 2) << 5 | b >> 3).astype("<u2")]
    lines = [x.tobytes() for x in bgr]
    wide = [x.tobytes() for x in bgra]
    masks = struct.pack("<IIII", 0xff0000, 0xff00, 0xff, 0xff000000)
    out = {
        "bits24.bmp": bmp(lines, 24), "bits24_top_down.bmp": bmp(lines, 24, h=-H), "bits24_os2.bmp": bmp(lines, 24, header=12),
        "bits32.bmp": bmp(wide, 32), "bits32_top_down.bmp": bmp(wide, 32, h=-H), "bits32_v5_alpha.bmp": bmp(wide, 32, compression=3, masks=masks, header=124),
        "bits32_masks.bmp": bmp(wide, 32, compression=3, masks=masks[:12]),
        "bits16_555.bmp": bmp(p555, 16), "bits16_565.bmp": bmp(p565, 16, compression=3, masks=struct.pack("<III", 0xf800, 0x7e0, 0x1f)),
        "rle8.bmp": bmp(rle8(gray(256)), 8, palette(256), 1), "rle4.bmp": bmp(rle4(gray(16)), 4, palette(16), 2),
        "bits8_gray.bmp": bmp(pack(gray(256), 8), 8, [(i, i, i) for i in range(256)]),
        "bits8_short.bmp": bmp(pack(gray(5), 8), 8, palette(5)),
        "bits1_black_white.bmp": bmp(pack(gray(2), 1), 1, [(0, 0, 0), (255, 255, 255)]),
        "bits8_os2.bmp": bmp(pack(gray(256), 8), 8, palette(256), header=12),
    }
    for bits in (1, 4, 8):
        rows = pack(gray(1 << bits), bits)
        out[f"bits{bits}.bmp"] = bmp(rows, bits, palette(1 << bits))
        out[f"bits{bits}_top_down.bmp"] = bmp(rows, bits, palette(1 << bits), h=-H)
    return out
