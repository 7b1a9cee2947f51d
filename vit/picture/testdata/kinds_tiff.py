"""TIFF files: what the samples are, times how they are stored."""
import io
import struct
import zlib

import numpy as np
from PIL import Image

from common import H, W, alpha, gray, lzw, pack, palette, rgb, xmp
from make_tiff import CODES, ifd, packbits, page, pillow, squeeze, tiff


def color_map(n):
    return [v * 257 for c in range(3) for v in (p[c] for p in palette(n))]


def samples():
    """(name, values, photometric, depth, tags)."""
    wide = rgb().astype(np.uint16) * 256 + 255 - rgb()
    a = alpha()
    rgba, cmyk = np.dstack([rgb(), a]), np.dstack([rgb(), gray(200).astype(np.uint8)])
    out = [(f"gray{d}{'' if p else '_inverted'}", gray(1 << d), p, d, {}) for d in (1, 2, 4, 8) for p in (0, 1)]
    out += [("gray16", gray(65536) * 397 % 700, 1, 16, {}), ("gray16_inverted", gray(65536) * 397 % 700, 0, 16, {}), ("rgb", rgb(), 2, 8, {}), ("rgb16", wide, 2, 16, {}), ("rgba", rgba, 2, 8, {"t338": 2}), ("rgbx", rgba, 2, 8, {"t338": 0}), ("rgb_multiplied", rgba, 2, 8, {"t338": 1}),
            ("rgba_unsaid", rgba, 2, 8, {}), ("rgba16", np.dstack([wide, a.astype(np.uint16) * 257]), 2, 16, {"t338": 2}), ("rgb16_multiplied", np.dstack([wide, a.astype(np.uint16) * 257]), 2, 16, {"t338": 1}), ("cmyk", cmyk, 5, 8, {}), ("cmyk16", cmyk.astype(np.uint16) * 257, 5, 16, {}),
            ("palette4", gray(16), 3, 4, {"t320": color_map(16)}), ("palette8", gray(256), 3, 8, {"t320": color_map(256)}), ("gray_alpha", np.dstack([gray().astype(np.uint8), a]), 1, 8, {"t338": 2}), ("rgbxx", np.dstack([rgba, a]), 2, 8, {"t338": [0, 0]}), ("rgbax", np.dstack([rgba, a]), 2, 8, {"t338": [2, 0]}),
            ("cmykx", np.dstack([cmyk, a]), 5, 8, {"t338": 0}), ("palette_alpha", np.dstack([gray(256).astype(np.uint8), a]), 3, 8, {"t338": 2, "t320": color_map(256)}), ("palette1", gray(2), 3, 1, {"t320": color_map(2)}), ("palette2", gray(4), 3, 2, {"t320": color_map(4)}),
            ("rgb_corel", rgba, 2, 8, {"t338": 999}), ("signed8", gray(), 1, 8, {"t339": 2}), ("signed16", gray(65536) * 397, 1, 16, {"t339": 2})]
    return out


def layouts():
    out = {}
    for name, values, photo, depth, tags in samples():
        for how in ("none", "lzw", "deflate", "packbits"):
            out[f"{name}_{how}"] = tiff(page(values, photo, depth, how, **tags))
        out[f"{name}_big_endian"] = tiff(page(values, photo, depth, order=">", **tags), order=">")
        out[f"{name}_big_endian_lzw"] = tiff(page(values, photo, depth, "lzw", ">", **tags), order=">")
        out[f"{name}_tiled"] = tiff(page(values, photo, depth, tile=16, **tags))
        if depth >= 8:
            out[f"{name}_predictor"] = tiff(page(values, photo, depth, "lzw", predictor=2, **tags))
            out[f"{name}_predictor_big"] = tiff(page(values, photo, depth, "deflate", ">", predictor=2, **tags), order=">")
            out[f"{name}_planar"] = tiff(page(values, photo, depth, planar=2, **tags))
            out[f"{name}_planar_deflate"] = tiff(page(values, photo, depth, "deflate", planar=2, **tags))
            out[f"{name}_planar_tiled"] = tiff(page(values, photo, depth, "lzw", planar=2, tile=16, **tags))
        out[f"{name}_low_first"] = tiff(page(values, photo, depth, t266=2, **tags))
        out[f"{name}_low_first_deflate"] = tiff(page(values, photo, depth, "deflate", t266=2, **tags))
    return out


def strip(data, w, h, bits, photo, how, order="<", **tags):
    """One strip of any bytes."""
    return tiff(([squeeze(data, how)], {256: w, 257: h, 258: bits, 259: CODES[how], 262: photo, 277: len(bits), 278: h} | {int(k[1:]): v for k, v in tags.items()}), order=order)


def numbers():
    """12 and 32 bits, floating point."""
    g = (gray(65536) * 397 % 700).astype(int)
    f = ((g - 200) / 1.7).astype(np.float32)
    packed = b"".join(pack(g % 4096, 12))
    out = {"bits12": strip(packed, W, H, [12], 1, "none"), "bits12_lzw": strip(packed, W, H, [12], 1, "lzw"), "bits12_big": strip(packed, W, H, [12], 1, "none", ">")}
    for order, name in (("<", ""), (">", "_big")):
        for how in ("none", "deflate"):
            for p in (0, 1):
                out[f"float{p}_{how}{name}"] = strip(f.astype(order + "f4").tobytes(), W, H, [32], p, how, order, t339=3)
            out[f"signed32_{how}{name}"] = strip((g - 200).astype(order + "i4").tobytes(), W, H, [32], 1, how, order, t339=2)
            out[f"unsigned32_{how}{name}"] = strip(g.astype(order + "u4").tobytes(), W, H, [32], 1, how, order)
    planes = f.astype(">f4").tobytes()
    rows = b""
    for y in range(H):
        row = np.frombuffer(planes[4 * W * y:4 * W * (y + 1)], np.uint8).reshape(W, 4).T.reshape(-1)
        rows += bytes([row[0]]) + ((row[1:].astype(int) - row[:-1]) % 256).astype(np.uint8).tobytes()
    out["float_predictor"] = strip(rows, W, H, [32], 1, "deflate", t339=3, t317=3)
    out["float_odd"] = strip(np.array([np.nan, np.inf, -np.inf, 255.99, -0.5, 1e30, 0.99], "<f4").tobytes(), 7, 1, [32], 1, "none", t339=3)
    return out


def ycc():
    out = {}
    y, cb, cr = (c.astype(int) for c in np.moveaxis(rgb(16, 12), 2, 0))
    for across, down in ((1, 1), (2, 1), (1, 2), (2, 2), (4, 1), (4, 2), (4, 4)):
        for w, h in ((16, 12), (13, 11)):
            data = b""
            for v in range(0, h, down):
                for u in range(0, w, across):
                    data += bytes(int(y[min(v + j, 11), min(u + i, 15)]) for j in range(down) for i in range(across)) + bytes([int(cb[v, u]), int(cr[v, u])])
            for how in ("lzw", "packbits"):
                out[f"ycc{across}{down}_{w}x{h}_{how}"] = strip(data, w, h, [8, 8, 8], 6, how, t530=[across, down])
    out["ycc_raw"] = strip(data, 13, 11, [8, 8, 8], 6, "none", t530=[4, 4])
    return out


def jpegs():
    out = {}
    big = Image.fromarray(rgb(50, 40))
    for mode in ("L", "RGB", "CMYK", "YCbCr"):
        img = big.convert(mode)
        for rows in (8, 16, 40):
            out[f"jpeg_{mode}_{rows}"] = pillow(img, compression="jpeg", quality=80, strip_size=rows * 50 * len(mode.replace("YCbCr", "YCC")))
    return out


def odd():
    one = page(rgb(), 2)
    big = struct.pack("<2sHHHQ", b"II", 43, 8, 0, 16)
    tags = {256: W, 257: H, 258: [8, 8, 8], 259: 1, 262: 2, 273: 0, 277: 3, 278: H, 279: 3 * W * H}
    entries, at = b"", 16 + 8 + 20 * len(tags) + 8
    tags[273] = at
    for k, v in tags.items():
        v = v if isinstance(v, list) else [v]
        entries += struct.pack("<HHQ8s", k, 3 if k in (258,) else 4, len(v), struct.pack("<" + ("H" if k == 258 else "I") * len(v), *v))
    out = {"big_tiff": big + struct.pack("<Q", len(tags)) + entries + struct.pack("<Q", 0) + rgb().tobytes()}
    out["pages"] = tiff(page(rgb(), 2), page(255 - rgb(), 2), page(gray(), 1))
    out["next_is_itself"] = tiff(one)
    n = struct.unpack_from("<H", out["next_is_itself"], 8)[0]
    at = 10 + 12 * n
    out["next_is_itself"] = out["next_is_itself"][:at] + struct.pack("<I", 8) + out["next_is_itself"][at + 4:]
    for o in (0, 1, 6, 9):
        for order in "<>":
            out[f"orientation_{o}_{'le' if order == '<' else 'be'}"] = tiff(page(rgb(), 2, how="lzw", order=order, t274=o), order=order)
    out["orientation_two"] = tiff(page(rgb(), 2, t274=[6, 3]))
    out["version_swapped"] = b"II\0\x2a" + tiff(one)[4:]
    out["rows_huge"] = tiff((one[0][:0] + [b"".join(one[0])], one[1] | {278: 65535}))
    out["rows_zero"] = tiff((one[0], one[1] | {278: 0}))
    out["no_rows"] = tiff(([b"".join(one[0])], {k: v for k, v in one[1].items() if k != 278}))
    out["one_bits_value"] = tiff((one[0], one[1] | {258: 8}))
    out["too_many_bits_values"] = tiff((one[0], one[1] | {258: [8, 8, 8, 8]}))
    out["seven_samples"] = tiff((one[0], one[1] | {258: [8] * 7, 277: 7}))
    out["uneven_bits"] = tiff((one[0], one[1] | {258: [8, 8, 16]}))
    out["no_size"] = tiff((one[0], {k: v for k, v in one[1].items() if k != 257}))
    out["no_photometric"] = tiff((page(gray(), 1)[0], {k: v for k, v in page(gray(), 1)[1].items() if k != 262}))
    out["no_palette"] = tiff(page(gray(256), 3))
    out["missing_strips"] = tiff((one[0][:1], one[1]))
    out["surplus_strips"] = tiff((one[0] + one[0], one[1]))
    out["cut"] = tiff(one)[:-40]
    out["cut_lzw"] = tiff(page(rgb(), 2, how="lzw"))[:-40]
    for code in (2, 6, 32771, 32809, 34676, 34925, 50000, 50001, 999):
        out[f"compression_{code}"] = tiff((one[0], one[1] | {259: code}))
    bilevel = Image.fromarray((gray(2, 40, 30) * 255).astype(np.uint8)).convert("1")
    for how in ("group3", "group4", "tiff_ccitt"):
        out[f"fax_{how}"] = pillow(bilevel, compression=how)
        out[f"fax_{how}_text"] = pillow(Image.fromarray(np.where(gray(7, 100, 60) == 3, 0, 255).astype(np.uint8)).convert("1"), compression=how)
    for name, values in {"checks": gray(2, 64, 33), "text": np.where(gray(7, 100, 60) == 3, 0, 1), "white": np.ones((5, 2600)), "black": np.zeros((5, 2600)), "stripes": np.mgrid[0:9, 0:70][1] // 5 % 2, "one": np.ones((1, 1))}.items():
        img = Image.fromarray((values * 255).astype(np.uint8)).convert("1")
        for options in (1, 4, 5):
            out[f"fax_group3_{options}_{name}"] = pillow(img, compression="group3", tiffinfo={292: options})
        for how in ("group3", "group4", "tiff_ccitt"):
            out[f"fax_{how}_{name}_low_first"] = pillow(img, compression=how, tiffinfo={266: 2})
            out[f"fax_{how}_{name}_strips"] = pillow(img, compression=how, strip_size=40)
    f = io.BytesIO()
    Image.frombytes("LAB", (W, H), rgb().tobytes()).save(f, "TIFF")
    out["lab"] = f.getvalue()
    out["deflate_bad_end"] = tiff(([zlib.compress(rgb().tobytes())[:-4] + b"abcd"], {256: W, 257: H, 258: [8] * 3, 259: 8, 262: 2, 277: 3, 278: H}))
    out["packbits_noop"] = tiff(([b"\x80" + packbits(rgb().tobytes())], {256: W, 257: H, 258: [8] * 3, 259: 32773, 262: 2, 277: 3, 278: H}))
    out["lzw_old"] = tiff(([lzw(rgb().tobytes(), 8)], {256: W, 257: H, 258: [8] * 3, 259: 5, 262: 2, 277: 3, 278: H}))
    return out


def files():
    return {f"tiff/{k}.tiff": v for k, v in (layouts() | numbers() | ycc() | jpegs() | odd()).items()}
