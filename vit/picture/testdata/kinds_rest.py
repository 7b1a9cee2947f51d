"""BMP, PNM, JPEG, GIF and WebP files: headers of every age, run lengths, scans that are missing, Exif in pieces."""
import io
import random
import struct

import numpy as np
from PIL import Image

from common import H, W, alpha, exif, gray, lzw, pack, palette, rgb, xmp
from make_bmp import bmp, rle4, rle8
from make_gif import frame, gif
from make_webp import canvas, chunk, riff, stream, webp


def bmps():
    bgra = np.dstack([rgb()[:, :, ::-1], alpha()])
    wide = [x.tobytes() for x in bgra]
    lines = [x.tobytes() for x in rgb()[:, :, ::-1]]
    out = {}
    for header in (40, 52, 56, 64, 108, 124):
        for name, m in {"bgrx": (0xff0000, 0xff00, 0xff, 0), "xbgr": (0xff000000, 0xff0000, 0xff00, 0), "bgxr": (0xff000000, 0xff00, 0xff, 0), "abgr": (0xff000000, 0xff0000, 0xff00, 0xff), "rgba": (0xff, 0xff00, 0xff0000, 0xff000000),
                        "bgra": (0xff0000, 0xff00, 0xff, 0xff000000), "bgar": (0xff000000, 0xff00, 0xff, 0xff0000), "none": (0, 0, 0, 0), "odd": (0xff00, 0xff, 0xff0000, 0)}.items():
            if header in (40, 56, 124) or name in ("bgra", "xbgr"):
                out[f"fields32_{name}_{header}"] = bmp(wide, 32, compression=3, masks=struct.pack("<IIII", *m)[:12 if header == 40 else 16], header=header)
        out[f"bits8_{header}"] = bmp(pack(gray(256), 8), 8, palette(256), header=header)
        out[f"bits24_{header}"] = bmp(lines, 24, header=header)
    r, g, b = (rgb()[:, :, c].astype(int) for c in range(3))
    p555 = [x.tobytes() for x in ((r >> 3) << 10 | (g >> 3) << 5 | b >> 3).astype("<u2")]
    p565 = [x.tobytes() for x in ((r >> 3) << 11 | (g >> 2) << 5 | b >> 3).astype("<u2")]
    for header in (40, 56, 124):
        out[f"fields565_{header}"] = bmp(p565, 16, compression=3, masks=struct.pack("<IIII", 0xf800, 0x7e0, 0x1f, 0)[:12 if header == 40 else 16], header=header)
        out[f"fields555_{header}"] = bmp(p555, 16, compression=3, masks=struct.pack("<IIII", 0x7c00, 0x3e0, 0x1f, 0)[:12 if header == 40 else 16], header=header)
    out["fields444"] = bmp(p555, 16, compression=3, masks=struct.pack("<III", 0xf00, 0xf0, 0xf))
    out["fields24"] = bmp(lines, 24, compression=3, masks=struct.pack("<III", 0xff0000, 0xff00, 0xff))
    for bits in (1, 4, 8):
        out[f"bits{bits}_core"] = bmp(pack(gray(1 << bits), bits), bits, palette(1 << bits), header=12)
        out[f"bits{bits}_few_colors"] = bmp(pack(gray(2), bits), bits, palette(2))
        out[f"bits{bits}_black_white"] = bmp(pack(gray(2), bits), bits, [(0, 0, 0), (255, 255, 255)])
        out[f"bits{bits}_white_black"] = bmp(pack(gray(2), bits), bits, [(255, 255, 255), (0, 0, 0)])
        out[f"bits{bits}_ramp"] = bmp(pack(gray(1 << bits), bits), bits, [(i, i, i) for i in range(1 << bits)])
        out[f"bits{bits}_no_palette"] = bmp(pack(gray(1 << bits), bits), bits)
    out["bits2"] = bmp(pack(gray(4), 2), 2, palette(4))
    out["bits8_300_colors"] = bmp(pack(gray(256), 8), 8, palette(256) + palette(44))
    rng = random.Random(1)
    for bits, code, top in ((8, 1, 256), (4, 2, 16)):
        values = gray(top)
        out[f"rle{bits}_top_down"] = bmp((rle8 if bits == 8 else rle4)(values), bits, palette(top), code, h=-H)
        out[f"rle{bits}_ramp"] = bmp((rle8 if bits == 8 else rle4)(values), bits, [(i, i, i) for i in range(top)], code)
        out[f"rle{bits}_no_end"] = bmp((rle8 if bits == 8 else rle4)(values)[:-2], bits, palette(top), code)
        out[f"rle{bits}_cut"] = bmp((rle8 if bits == 8 else rle4)(values)[:60], bits, palette(top), code)
        out[f"rle{bits}_early_end"] = bmp(bytes([9, 0x12, 0, 0, 4, 0x35, 0, 1]), bits, palette(top), code)
        for i in range(8):
            data = b""
            for _ in range(60):
                kind = rng.randrange(8)
                if kind < 4:
                    data += bytes([rng.randrange(1, 20), rng.randrange(256)])
                elif kind < 6:
                    n = rng.randrange(3, 14)
                    body = bytes(rng.randrange(256) for _ in range((n + 1) // 2 if bits == 4 else n))
                    data += bytes([0, n]) + body + b"\0" * (len(body) % 2)
                elif kind == 6:
                    data += b"\0\0"
                else:
                    data += bytes([0, 2, 0, 0, rng.randrange(5), rng.randrange(2)])
            out[f"rle{bits}_random{i}"] = bmp(data, bits, palette(top), code)
    out["rle8_of_24"] = bmp(rle8(gray()), 24, compression=1)
    out["jpeg_inside"], out["alpha_fields"] = bmp(b"\xff\xd8", 24, compression=4), bmp(wide, 32, compression=6, masks=bytes(16))
    plain = bmp(lines, 24)
    out["cut"], out["last_padding_missing"], out["offset_zero"] = plain[:-30], plain[:-1], plain[:10] + bytes(4) + plain[14:]
    out["header_41"], out["size_lies"] = plain[:14] + struct.pack("<I", 41) + plain[18:], plain[:2] + bytes(4) + plain[6:]
    out |= {"huge": plain[:18] + struct.pack("<ii", 60000, 60000) + plain[26:], "no_width": plain[:18] + bytes(4) + plain[22:]}
    files = {f"bmp/{k}.bmp": v for k, v in out.items()}
    files["bmp/clipboard.dib"] = bmp(pack(gray(256), 8), 8, palette(256))[14:]
    files["bmp/clipboard24.dib"] = plain[14:]
    return files


def pnms():
    g, c = gray(256), rgb()
    wide = gray(65536) * 397 % 700
    text = lambda v: b"\n".join(b" ".join(b"%d" % x for x in row.reshape(-1)) for row in v)
    bits = gray(2)
    out = {"p1": b"P1\n13 11\n" + text(bits), "p1_joined": b"P1 13 11\n" + b"".join(b"%d" % x for x in bits.reshape(-1)), "p2": b"P2\n13 11\n255\n" + text(g), "p3": b"P3\n13 11\n255\n" + text(c),
           "p4": b"P4\n13 11\n" + b"".join(pack(bits, 1)), "p5": b"P5\n13 11\n255\n" + g.astype(np.uint8).tobytes(), "p6": b"P6\n13 11\n255\n" + c.tobytes(), "p5_comment": b"P5\n# made by hand\n13 # columns\n11\n255\n" + g.astype(np.uint8).tobytes(),
           "p2_comment": b"P2\n13 11\n255\n" + text(g).replace(b"\n", b" # row\n"), "p5_wide": b"P5\n13 11\n65535\n" + wide.astype(">u2").tobytes(), "p5_1000": b"P5\n13 11\n1000\n" + wide.astype(">u2").tobytes(), "p5_100": b"P5\n13 11\n100\n" + (g % 101).astype(np.uint8).tobytes(),
           "p6_wide": b"P6\n13 11\n65535\n" + (c.astype(np.uint16) * 257).astype(">u2").tobytes(), "p6_31": b"P6\n13 11\n31\n" + (c % 32).tobytes(), "p5_over": b"P5\n13 11\n100\n" + g.astype(np.uint8).tobytes(), "p2_over": b"P2\n13 11\n100\n" + text(g), "p2_1000": b"P2\n13 11\n1000\n" + text(wide),
           "p3_7": b"P3\n13 11\n7\n" + text(c % 8), "p6_crlf": b"P6\r\n13 11\r255\n" + c.tobytes(), "p5_cut": b"P5\n13 11\n255\n" + g.astype(np.uint8).tobytes()[:-3], "p2_cut": b"P2\n13 11\n255\n" + text(g[:-1]), "p5_trailing": b"P5\n13 11\n255\n" + g.astype(np.uint8).tobytes() + b"junk",
           "p5_most_0": b"P5\n13 11\n0\n" + g.astype(np.uint8).tobytes(), "p5_most_70000": b"P5\n13 11\n70000\n" + g.astype(np.uint8).tobytes(), "p5_negative": b"P5\n-13 11\n255\n" + g.astype(np.uint8).tobytes(), "p2_word": b"P2\n13 11\n255\n" + text(g).replace(b"29", b"x", 1), "p1_two": b"P1\n3 1\n0 1 2", "p4_cut": b"P4\n13 11\n\0\0"}
    return {f"pnm/{k}.{'pbm' if k[1] in '14' else 'pgm' if k[1] in '25' else 'ppm'}": v for k, v in out.items()}


def app1(body):
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def scans(data):
    """(start, end) of each scan of a JPEG."""
    at, found = 2, []
    while data[at + 1] != 0xd9:
        marker, end = data[at + 1], at + 2 + int.from_bytes(data[at + 2:at + 4], "big")
        if marker == 0xda:
            while data[end] != 0xff or data[end + 1] == 0 or 0xd0 <= data[end + 1] <= 0xd7:
                end += 1
            found.append((at, end))
        at = end
    return found


def jpeg(img, **kw):
    f = io.BytesIO()
    img.save(f, "JPEG", **kw)
    return f.getvalue()


def jpegs():
    out = {}
    e6, x3 = b"Exif\0\0" + exif(6), b"http://ns.adobe.com/xap/1.0/\0" + xmp(3)
    plain = jpeg(Image.fromarray(rgb()), quality=80)
    put = lambda seg, d=plain: d[:2] + seg + d[2:]
    bare = plain[:2] + plain[20:]  # without JFIF
    dpi = jpeg(Image.fromarray(rgb()), quality=80, dpi=(72, 72))
    for at in (7, 8, 14, 20, 27):
        out[f"exif_split_{at}"] = put(app1(e6[:at]) + app1(b"Exif\0\0" + e6[at:]))
    out |= {"exif_twice": put(app1(e6) + app1(b"Exif\0\0" + exif(3))), "exif_double_prefix": put(app1(b"Exif\0\0" + e6)), "xmp": put(app1(x3)), "xmp_exif": put(app1(x3) + app1(e6)), "exif_nine_xmp": put(app1(b"Exif\0\0" + exif(9)) + app1(x3)), "xmp_twice": put(app1(x3) + app1(x3.replace(b'"3"', b'"8"'))),
            "exif_bad_xmp": put(app1(b"Exif\0\0garbage....") + app1(x3)), "exif_bad_dpi": put(app1(b"Exif\0\0garbage...."), dpi), "exif_bad_bare": put(app1(b"Exif\0\0garbage...."), bare), "exif_short": put(app1(b"Exif\0\0II")), "exif_empty": put(app1(b"Exif\0\0")), "exif_cut": put(app1(e6[:-9])),
            "exif_upper": put(app1(b"EXIF\0\0" + exif(6))), "exif_one_zero": put(app1(b"Exif\0" + exif(6))), "exif_dpi": put(app1(e6), dpi), "exif_late": plain[:-2] + app1(e6) + plain[-2:], "trailing": plain + b"junk" * 50, "trailing_jpeg": plain + plain, "no_end": plain[:-2], "cut": plain[:-40], "cut_closed": plain[:-40] + b"\xff\xd9",
            "junk_before_scan": plain[:2] + b"\xff\xfe\0\4ab" + b"\0\1\2" + plain[2:], "two_scans": plain[:-2] + plain[scans(plain)[0][0]:], "mpo": put(b"\xff\xe2\0\x08MPF\0ab") + plain}
    for mode in ("L", "RGB", "CMYK"):
        for w, h in ((17, 9), (33, 50), (16, 48)):
            d = jpeg(Image.fromarray(rgb(w, h)).convert(mode), quality=85 - w, progressive=True, subsampling=w % 3 if mode == "RGB" else -1)
            s = scans(d)
            for k in sorted({1, 2, len(s) // 2, len(s) - 1}):
                out[f"unfinished_{mode}_{w}x{h}_{k}"] = d[:s[k][0]] + b"\xff\xd9"
            out[f"unfinished_{mode}_{w}x{h}_within_first"] = d[:s[0][0] + 20] + b"\xff\xd9"
            out[f"unfinished_{mode}_{w}x{h}_within"] = d[:(s[2][0] + s[2][1]) // 2 + 7] + b"\xff\xd9"
            out[f"unfinished_{mode}_{w}x{h}_without_second"] = d[:s[1][0]] + d[s[1][1]:]
            out[f"unfinished_{mode}_{w}x{h}_cut"] = d[:s[3][0] + 3]
    out["bits12"], out["arithmetic"], out["lossless"] = plain.replace(b"\xff\xc0\0\x11\x08", b"\xff\xc0\0\x11\x0c"), plain.replace(b"\xff\xc0\0", b"\xff\xc9\0"), plain.replace(b"\xff\xc0\0", b"\xff\xc3\0")
    out["two_components"] = plain.replace(b"\xff\xc0\0\x11\x08\0\x0b\0\x0d\3", b"\xff\xc0\0\x11\x08\0\x0b\0\x0d\2")
    return {f"jpeg/{k}.jpg": v for k, v in out.items()}


def rest():
    p = palette(8)
    plain = gif(frame(gray(8)), colors=p)
    out = {f"gif/code_size_{w}.gif": gif(frame(gray(min(8, 1 << w)), width=w), colors=p) for w in (2, 3, 5, 8, 9, 11, 12)}
    out |= {"gif/cut.gif": plain[:-20], "gif/no_end.gif": plain[:-1], "gif/xmp.gif": plain[:37] + b"\x21\xff\x0bXMP DataXMP" + xmp(6) + b"\1" + bytes(range(255, -1, -1)) + b"\0" + plain[37:] if len(plain) > 37 else plain, "gif/comment.gif": plain[:37] + b"\x21\xfe\3abc\0" + plain[37:]}
    lossy = webp(rgb(), quality=60)
    for o in (3, 6, 9):
        out[f"webp/xmp{o}.webp"] = riff(canvas(W, H, 4), stream(lossy), chunk(b"XMP ", xmp(o)))
        out[f"webp/exif{o}.webp"] = riff(canvas(W, H, 8), stream(lossy), chunk(b"EXIF", b"Exif\0\0" + exif(o)))
    out |= {"webp/exif_bad.webp": riff(canvas(W, H, 8), stream(lossy), chunk(b"EXIF", b"garbage, and more")), "webp/exif_twice.webp": riff(canvas(W, H, 8), stream(lossy), chunk(b"EXIF", exif(6)), chunk(b"EXIF", exif(3))), "webp/cut.webp": lossy[:-30],
            "webp/exif_before.webp": riff(canvas(W, H, 8), chunk(b"EXIF", exif(6)), stream(lossy))}
    return out


def files():
    return bmps() | pnms() | jpegs() | rest()
