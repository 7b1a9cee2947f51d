"""TIFF files: a small writer for layouts and orders, Pillow's libtiff for the fax codes."""
import io
import struct
import zlib

import numpy as np
from PIL import Image

from common import H, W, alpha, gray, lzw, pack, palette, rgb

CODES = {"none": 1, "lzw": 5, "deflate": 8, "old_deflate": 32946, "packbits": 32773}


def packbits(data):
    """Literals of up to 128 bytes, and a run where bytes repeat."""
    out, i = b"", 0
    while i < len(data):
        n = 1
        while i + n < len(data) and n < 128 and data[i + n] == data[i]:
            n += 1
        if n > 2:
            out += bytes([257 - n, data[i]])
        else:
            n = min(5, len(data) - i)
            out += bytes([n - 1]) + data[i:i + n]
        i += n
    return out


def squeeze(data, how):
    return {"none": lambda d: d, "lzw": lambda d: lzw(d, 8, True, 1), "packbits": packbits}.get(how, zlib.compress)(data)


def ifd(page, at, order, last):
    """One directory and its data, placed at offset at. page: (strips, tags)."""
    strips, tags = page
    key = 324 if 322 in tags else 273
    tags = dict(tags) | {key: [0] * len(strips), key + (1 if key == 324 else 6): [len(s) for s in strips]}
    offset, blobs, entries = at + 2 + 12 * len(tags) + 4, b"", b""
    starts = []
    for s in strips:
        starts.append(offset + len(blobs))
        blobs += s + b"\0" * (len(s) % 2)
    tags[key] = starts
    for tag, values in sorted(tags.items()):
        values = values if isinstance(values, list) else [values]
        long = tag in (273, 279, 324, 325)
        data = struct.pack(order + ("I" if long else "H") * len(values), *values)
        if len(data) > 4:
            data, blob = struct.pack(order + "I", offset + len(blobs)), data
            blobs += blob
        entries += struct.pack(order + "HHI", tag, 4 if long else 3, len(values)) + data.ljust(4, b"\0")
    end = offset + len(blobs)
    return struct.pack(order + "H", len(tags)) + entries + struct.pack(order + "I", 0 if last else end) + blobs


def tiff(*pages, order="<"):
    out = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    for i, page in enumerate(pages):
        out += ifd(page, len(out), order, i == len(pages) - 1)
    return out


def page(values, photometric, depth=8, how="none", order="<", rows=4, tile=0, predictor=1, planar=1, **tags):
    values = np.asarray(values)
    h, w = values.shape[:2]
    samples = values.shape[2] if values.ndim == 3 else 1

    def packed(v):
        if predictor == 2:
            v = np.concatenate([v[:, :1], (v[:, 1:].astype(int) - v[:, :-1]) % (1 << depth)], 1)
        flat = v.reshape(v.shape[0], -1)
        return squeeze(b"".join(r.astype(order + "u2").tobytes() for r in flat) if depth == 16 else b"".join(pack(flat, depth)), how)

    out = {256: w, 257: h, 258: [depth] * samples, 259: CODES[how], 262: photometric, 277: samples, 284: planar}
    if predictor != 1:
        out[317] = predictor
    planes = [values[:, :, c] for c in range(samples)] if planar == 2 and values.ndim == 3 else [values]
    if tile:
        out |= {322: tile, 323: tile}
        padded = [np.pad(p, [(0, -h % tile), (0, -w % tile)] + [(0, 0)] * (p.ndim - 2), "edge") for p in planes]
        strips = [packed(p[y:y + tile, x:x + tile]) for p in padded for y in range(0, h, tile) for x in range(0, w, tile)]
    else:
        out[278] = rows
        strips = [packed(p[y:y + rows]) for p in planes for y in range(0, h, rows)]
    return strips, out | {int(k[1:]): v for k, v in tags.items()}


def pillow(img, **kw):
    f = io.BytesIO()
    img.save(f, "TIFF", **kw)
    return f.getvalue()


def files():
    big, g16 = rgb(37, 21), gray(65536) * 397 % 700
    wide = rgb().astype(np.uint16) * 256 + 255 - rgb()
    rgba = np.dstack([rgb(), alpha()])
    color_map = [v * 257 for c in range(3) for v in (p[c] for p in palette(256))]
    out = {f"rgb_{how}{name}.tiff": tiff(page(rgb(), 2, how=how, predictor=p)) for how in CODES for p, name in ((1, ""), (2, "_predictor")) if (how, p) not in (("none", 2), ("packbits", 2))}
    out |= {f"gray{d}.tiff": tiff(page(gray(1 << d), 1, d)) for d in (1, 2, 4, 8)}
    out |= {f"gray{d}_white_is_zero.tiff": tiff(page(gray(1 << d), 0, d)) for d in (1, 4, 8)}
    out |= {"gray16.tiff": tiff(page(g16, 1, 16)), "gray16_big.tiff": tiff(page(g16, 1, 16, order=">"), order=">"),
            "gray16_white_is_zero.tiff": tiff(page(g16, 0, 16)),
            "rgb16.tiff": tiff(page(wide, 2, 16)), "rgb16_big_lzw.tiff": tiff(page(wide, 2, 16, "lzw", ">"), order=">"),
            "rgb_big.tiff": tiff(page(rgb(), 2, order=">"), order=">"), "palette.tiff": tiff(page(gray(256), 3, t320=color_map)),
            "palette4.tiff": tiff(page(gray(16), 3, 4, t320=[v * 257 for c in range(3) for v in (p[c] for p in palette(16))])),
            "rgba.tiff": tiff(page(rgba, 2, t338=2)), "rgba_premultiplied.tiff": tiff(page(rgba // 2, 2, t338=1)), "rgbx.tiff": tiff(page(rgba, 2, t338=0)),
            "rgba16.tiff": tiff(page(np.dstack([wide, alpha().astype(np.uint16) * 257]), 2, 16, t338=2)),
            "cmyk.tiff": tiff(page(rgba, 5)), "planar.tiff": tiff(page(rgb(), 2, planar=2)),
            "tiled.tiff": tiff(page(big, 2, tile=16)), "tiled_deflate_big.tiff": tiff(page(big, 2, how="deflate", order=">", tile=16), order=">"),
            "tiled_gray4.tiff": tiff(page(gray(16, 37, 21), 1, 4, tile=16)),
            "pages.tiff": tiff(page(rgb(), 2), page(255 - rgb(), 2)),
            "ycbcr.tiff": pillow(Image.fromarray(rgb()).convert("YCbCr")), "lab.tiff": pillow(Image.frombytes("LAB", (W, H), rgb().tobytes())),
            "jpeg.tiff": pillow(Image.fromarray(rgb(16, 16)), compression="jpeg"), "float.tiff": pillow(Image.fromarray(gray().astype(np.float32)))}
    bilevel = Image.fromarray((gray(2) * 255).astype(np.uint8)).convert("1")
    out |= {f"{how}.tiff": pillow(bilevel, compression=how) for how in ("group3", "group4")}
    one = struct.pack("<HHIH", 262, 3, 1, 1)
    out |= {f"{how}_white_is_zero.tiff": out[f"{how}.tiff"].replace(one, one[:-2] + b"\0\0") for how in ("group3", "group4")}
    out["rgb_bit_reversed.tiff"] = tiff(page(rgb(), 2, t266=2))
    out["rgba16_premultiplied.tiff"] = tiff(page(np.dstack([wide, alpha().astype(np.uint16) * 257]), 2, 16, t338=1))
    for o in range(2, 9):
        out[f"orientation{o}.tiff"] = tiff(page(rgb(), 2, order="<>"[o & 1], t274=o), order="<>"[o & 1])
    return out
