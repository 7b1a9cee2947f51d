"""PNG files of every color type and bit depth, written chunk by chunk."""
import struct
import zlib

import numpy as np

from common import H, W, alpha, exif, gray, pack, palette, rgb, xmp

PASSES = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def chunk(name, body=b""):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def rows(values, depth):
    """Bytes of each row of (h, w) or (h, w, c) samples."""
    flat = values.reshape(values.shape[0], -1)
    if depth == 16:
        return [r.astype(">u2").tobytes() for r in flat]
    return pack(flat, depth) if depth < 8 else [r.astype(np.uint8).tobytes() for r in flat]


def filtered(lines, step):
    """Rows behind their filter byte; the filters 0 to 4 in turn."""
    out, prev = b"", b""
    for i, line in enumerate(lines):
        prev = prev or bytes(len(line))
        body = bytearray()
        for j, v in enumerate(line):
            a, b = line[j - step] if j >= step else 0, prev[j]
            c = prev[j - step] if j >= step else 0
            p = a + b - c
            paeth = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
            body.append((v - (0, a, b, (a + b) // 2, paeth)[i % 5]) % 256)
        out, prev = out + bytes([i % 5]) + bytes(body), line
    return out


def png(values, depth, color, extra=b"", interlaced=False, tail=b""):
    values = np.asarray(values)
    h, w = values.shape[:2]
    step = max(1, (values.shape[2] if values.ndim == 3 else 1) * depth // 8)
    parts = [values[y::dy, x::dx] for x, y, dx, dy in PASSES] if interlaced else [values]
    data = b"".join(filtered(rows(p, depth), step) for p in parts if p.size)
    head = struct.pack(">IIBBBBB", w, h, depth, color, 0, 0, int(interlaced))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + chunk(b"IDAT", zlib.compress(data, 9)) + tail + chunk(b"IEND"))


def plte(n):
    return chunk(b"PLTE", bytes(sum(palette(n), ())))


def trns(*values):
    return chunk(b"tRNS", struct.pack(f">{len(values)}H", *values))


def wide():
    """RGB of 16 bits whose low bytes matter to whoever rounds."""
    return rgb().astype(np.uint16) * 256 + 255 - rgb()


def itxt(packet, compressed=False):
    text = zlib.compress(packet) if compressed else packet
    return chunk(b"iTXt", b"XML:com.adobe.xmp\0" + bytes([compressed, 0]) + b"\0\0" + text)


def apng(first_is_default):
    """Two frames; the default image is the first of them, or stands outside the animation."""
    frame = struct.pack(">IIIIHHBB", W, H, 0, 0, 1, 10, 0, 0)
    second = zlib.compress(filtered(rows(255 - rgb(), 8), 3))
    fctl = chunk(b"fcTL", struct.pack(">I", 0) + frame)
    tail = (b"" if first_is_default else fctl + chunk(b"fdAT", struct.pack(">I", 1) + second))
    seq = 1 if first_is_default else 2
    tail += chunk(b"fcTL", struct.pack(">I", seq) + frame) + chunk(b"fdAT", struct.pack(">I", seq + 1) + second)
    head = chunk(b"acTL", struct.pack(">II", 2, 0)) + (fctl if first_is_default else b"")
    return png(rgb(), 8, 2, head, tail=tail)


def files():
    out = {}
    g16 = gray(65536) * 397 % 700  # around 255, where Pillow cuts off
    rgba, la = np.dstack([rgb(), alpha()]), np.dstack([gray().astype(np.uint8), alpha()])
    kinds = {f"gray{d}": (gray(1 << d), d, 0, b"") for d in (1, 2, 4, 8)}
    kinds |= {f"palette{d}": (gray(1 << d), d, 3, plte(1 << d)) for d in (1, 2, 4, 8)}
    kinds |= {"gray16": (g16, 16, 0, b""), "rgb": (rgb(), 8, 2, b""), "rgb16": (wide(), 16, 2, b""), "graya": (la, 8, 4, b""),
              "graya16": (la.astype(np.uint16) * 255, 16, 4, b""), "rgba": (rgba, 8, 6, b""), "rgba16": (np.dstack([wide(), alpha().astype(np.uint16) * 257]), 16, 6, b"")}
    for name, (values, depth, color, extra) in kinds.items():
        out[f"{name}.png"] = png(values, depth, color, extra)
        out[f"{name}_adam7.png"] = png(values, depth, color, extra, interlaced=True)
    out["adam7_1x1.png"] = png(rgb(1, 1), 8, 2, interlaced=True)
    out["adam7_3x2.png"] = png(rgb(3, 2), 8, 2, interlaced=True)
    for d in (1, 2, 4, 8):
        out[f"gray{d}_trns.png"] = png(gray(1 << d), d, 0, trns(1))
    out["gray16_trns.png"] = png(g16, 16, 0, trns(int(g16[3, 4])))
    out["rgb_trns.png"] = png(rgb(), 8, 2, trns(*map(int, rgb()[2, 3])))
    out["rgb16_trns.png"] = png(wide(), 16, 2, trns(*map(int, wide()[2, 3])))
    for name, table in {"one": b"\xff\xff\0\xff", "two": b"\0\xff\0", "half": b"\xff\x80\0\x10"}.items():
        out[f"palette_trns_{name}.png"] = png(gray(16), 4, 3, plte(16) + chunk(b"tRNS", table))
    out["palette_short.png"] = png(gray(16), 4, 3, plte(5))
    out["gamma.png"] = png(rgb(), 8, 2, chunk(b"gAMA", struct.pack(">I", 20000)) + chunk(b"sRGB", b"\0"))
    out["two_idat.png"] = png(rgb(), 8, 2).replace(chunk(b"IEND"), chunk(b"tEXt", b"Title\0none") + chunk(b"IEND"))
    out["apng.png"], out["apng_default_outside.png"] = apng(True), apng(False)
    for o in range(1, 10):
        out[f"exif{o}.png"] = png(rgb(), 8, 2, chunk(b"eXIf", exif(o, "<>"[o & 1])))
    out["xmp3.png"], out["xmp6_compressed.png"] = png(rgb(), 8, 2, itxt(xmp(3))), png(rgb(), 8, 2, itxt(xmp(6), True))
    out["exif6_xmp3.png"] = png(rgb(), 8, 2, itxt(xmp(3)) + chunk(b"eXIf", exif(6)))
    out["exif_after_idat.png"] = png(rgb(), 8, 2, tail=chunk(b"eXIf", exif(8)))
    return out
