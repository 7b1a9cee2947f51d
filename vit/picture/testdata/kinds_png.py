"""PNG files with slips that Pillow opens, and others over which it fails; turned pictures in every place where it looks."""
import struct
import zlib

import numpy as np

from common import H, W, alpha, exif, gray, palette, rgb, xmp
from make_png import PASSES, apng, chunk, filtered, itxt, plte, png, rows, trns, wide

END = chunk(b"IEND")


def text(kind, key, value):
    if kind == b"zTXt":
        return chunk(kind, key + b"\0\0" + zlib.compress(value))
    return chunk(kind, key + b"\0" + value) if kind == b"tEXt" else chunk(kind, key + b"\0\0\0\0\0" + value)


def profile(block, name=b"exif"):
    """The raw profile of ImageMagick: a name, a length, and hexadecimal in lines."""
    digits = block.hex().encode()
    return b"\n" + name + b"\n%8d\n" % len(block) + b"\n".join(digits[i:i + 72] for i in range(0, len(digits), 72)) + b"\n"


def spoil(data, name, nth=0):
    """The file with the checksum of a chunk changed."""
    at = -1
    for _ in range(nth + 1):
        at = data.index(name, at + 1)
    end = at + 4 + struct.unpack(">I", data[at - 4:at])[0]
    return data[:end] + bytes([data[end] ^ 0x55]) + data[end + 1:]


def raw(data, depth=8, color=2, w=W, h=H, extra=b"", tail=b"", interlace=0):
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, depth, color, 0, 0, interlace)) + extra + chunk(b"IDAT", data) + tail + END


def orientations():
    key = b"Raw profile type exif"
    out = {}
    for o in (1, 3, 6, 8, 9, 0):
        block = b"Exif\0\0" + exif(o)
        out[f"raw_profile_text_{o}"] = png(rgb(), 8, 2, text(b"tEXt", key, profile(block)))
        out[f"raw_profile_ztxt_{o}"] = png(rgb(), 8, 2, text(b"zTXt", key, profile(block)))
        out[f"raw_profile_after_{o}"] = png(rgb(), 8, 2, tail=text(b"zTXt", key, profile(block)))
        out[f"exif_prefixed_{o}"] = png(rgb(), 8, 2, chunk(b"eXIf", block))
        for kind in (b"tEXt", b"zTXt", b"iTXt"):
            out[f"xmp_{kind.decode()}_{o}"] = png(rgb(), 8, 2, text(kind, b"XML:com.adobe.xmp", xmp(o)))
    e, raw6, x8 = chunk(b"eXIf", exif(3)), text(b"zTXt", key, profile(exif(6))), text(b"tEXt", b"XML:com.adobe.xmp", xmp(8))
    out |= {
        "exif_before_raw_profile": png(rgb(), 8, 2, raw6 + e), "raw_profile_before_xmp": png(rgb(), 8, 2, x8 + raw6),
        "exif_prefixed_twice": png(rgb(), 8, 2, chunk(b"eXIf", b"Exif\0\0Exif\0\0" + exif(8))),
        "exif_text_key": png(rgb(), 8, 2, text(b"tEXt", b"exif", exif(6))),
        "exif_text_key_and_chunk": png(rgb(), 8, 2, text(b"tEXt", b"exif", exif(6)) + e),
        "two_exif_chunks": png(rgb(), 8, 2, chunk(b"eXIf", exif(6)) + e),
        "exif_empty": png(rgb(), 8, 2, chunk(b"eXIf")), "exif_empty_xmp": png(rgb(), 8, 2, chunk(b"eXIf") + x8),
        "exif_no_tiff": png(rgb(), 8, 2, chunk(b"eXIf", b"hello, world")), "exif_cut": png(rgb(), 8, 2, chunk(b"eXIf", exif(6)[:14])),
        "exif_nine_xmp": png(rgb(), 8, 2, chunk(b"eXIf", exif(9)) + x8),
        "raw_profile_not_hex": png(rgb(), 8, 2, text(b"tEXt", key, b"\nexif\n 12\nzz")),
        "raw_profile_odd": png(rgb(), 8, 2, text(b"tEXt", key, b"\nexif\n 12\n012")),
        "raw_profile_short": png(rgb(), 8, 2, text(b"tEXt", key, b"\nexif")),
        "raw_profile_app1": png(rgb(), 8, 2, text(b"tEXt", b"Raw profile type APP1", profile(exif(6)))),
        "xmp_key_of_text": png(rgb(), 8, 2, text(b"tEXt", b"xmp", xmp(6))),
        "xmp_latin1": png(rgb(), 8, 2, text(b"iTXt", b"XML:com.adobe.xmp", b"\xe9" + xmp(6))),
        "xmp_element": png(rgb(), 8, 2, itxt(b"<tiff:Orientation>6</tiff:Orientation>")),
        "xmp_twice": png(rgb(), 8, 2, itxt(xmp(6)) + itxt(xmp(3))),
        "xmp_after": png(rgb(), 8, 2, tail=itxt(xmp(6), True)),
    }
    return out


def slips():
    plain = png(rgb(), 8, 2)
    line = filtered(rows(rgb(), 8), 3)
    z = zlib.compress(line, 9)
    gamma = png(rgb(), 8, 2, chunk(b"gAMA", struct.pack(">I", 45455)), tail=chunk(b"tEXt", b"a\0b"))
    half = len(z) // 2
    two = chunk(b"IDAT", z[:half]) + chunk(b"IDAT", z[half:])
    head = plain[:33]
    out = {
        "crc_idat": spoil(plain, b"IDAT"), "crc_ihdr": spoil(plain, b"IHDR"), "crc_iend": spoil(plain, b"IEND"), "crc_gama": spoil(gamma, b"gAMA"), "crc_text_after": spoil(gamma, b"tEXt"),
        "crc_plte": spoil(png(gray(16), 4, 3, plte(16)), b"PLTE"),
        "two_idat": head + two + END, "three_idat_empty": head + chunk(b"IDAT") + two + chunk(b"IDAT") + END,
        "idat_apart": head + chunk(b"IDAT", z[:half]) + chunk(b"tEXt", b"a\0b") + chunk(b"IDAT", z[half:]) + END,
        "no_iend": plain[:-12], "half_iend": plain[:-6], "trailing": plain + b"junk" * 9, "junk_for_iend": plain[:-12] + b"junk" * 9,
        "surplus_rows": raw(zlib.compress(line + line[:80])), "surplus_byte": raw(zlib.compress(line + b"\0")), "surplus_idat": head + chunk(b"IDAT", z) + chunk(b"IDAT", z) + END,
        "surplus_idat_cut": (head + chunk(b"IDAT", z) + chunk(b"IDAT", z))[:-9],
        "missing_rows": raw(zlib.compress(line[:-80])), "missing_half_row": raw(zlib.compress(line[:-17])), "no_rows": raw(zlib.compress(b"")), "no_data": raw(b""),
        "adler": raw(z[:-4] + b"\1\2\3\4"), "no_adler": raw(z[:-4]), "half_adler": raw(z[:-2]), "cut_stream": raw(z[:-40]),
        "filter_5": raw(zlib.compress(b"\5" + line[1:])), "zlib_header": raw(b"\x78\x9d" + z[2:]), "stored": raw(zlib.compress(line, 0)),
        "cut_idat": plain[:-12 - 4 - 3], "cut_idat_rows": plain[:-80],
        "ihdr_long": plain[:8] + chunk(b"IHDR", plain[16:29] + b"\0\0") + plain[33:], "ihdr_short": plain[:8] + chunk(b"IHDR", plain[16:28]) + plain[33:],
        "ihdr_twice": plain[:33] + plain[8:], "no_ihdr": plain[:8] + plain[33:], "filter_method": plain[:8] + chunk(b"IHDR", plain[16:27] + b"\1\0") + plain[33:],
        "compression_method": plain[:8] + chunk(b"IHDR", plain[16:26] + b"\1\0\0") + plain[33:], "interlace_2": raw(zlib.compress(b"".join(filtered(rows(rgb()[y::dy, x::dx], 8), 3) for x, y, dx, dy in PASSES)), interlace=2),
        "depth_3": raw(z, depth=3), "color_5": raw(z, color=5), "gray_32": raw(z, depth=32, color=0),
        "text_cut_after": plain[:-12] + chunk(b"tEXt", b"a\0bcdef")[:-6], "chunk_name": plain[:33] + chunk(b"a b!", b"x") + plain[33:], "unknown_chunk": plain[:33] + chunk(b"vpAg", b"x") + plain[33:],
        "unknown_critical": plain[:33] + chunk(b"CrIt", b"x") + plain[33:], "chunk_name_after": plain[:-12] + chunk(b"a b!", b"x") + END,
    }
    return out


def ancillary():
    bomb = zlib.compress(bytes(2 << 20), 9)
    out = {}
    for name, body in {
        "gama_short": (b"gAMA", b"\0\0"), "srgb_empty": (b"sRGB", b""), "phys_short": (b"pHYs", b"\0" * 8), "phys": (b"pHYs", b"\0\0\x0b\x13\0\0\x0b\x13\1"), "chrm_odd": (b"cHRM", b"\0" * 7), "chrm": (b"cHRM", b"\0\0\1\0" * 8),
        "iccp": (b"iCCP", b"p\0\0" + zlib.compress(b"profile" * 9)), "iccp_method": (b"iCCP", b"p\0\1" + zlib.compress(b"x")), "iccp_bad": (b"iCCP", b"p\0\0garbage"), "iccp_bomb": (b"iCCP", b"p\0\0" + bomb),
        "ztxt_bomb": (b"zTXt", b"c\0\0" + bomb), "ztxt_method": (b"zTXt", b"c\0\1" + zlib.compress(b"x")), "ztxt_bad": (b"zTXt", b"c\0\0garbage"), "ztxt_no_value": (b"zTXt", b"comment"), "itxt_bomb": (b"iTXt", b"c\0\1\0\0\0" + bomb),
        "itxt_cut": (b"iTXt", b"c\0\0"), "itxt_method": (b"iTXt", b"c\0\1\1\0\0x"), "text_no_value": (b"tEXt", b"comment"), "text_empty": (b"tEXt", b""), "hist": (b"hIST", b"\0\1" * 3), "time": (b"tIME", b"\7\xe8\1\1\0\0\0"),
    }.items():
        out[name] = png(rgb(), 8, 2, chunk(*body))
        if "bomb" in name or "short" in name:
            out[name + "_after"] = png(rgb(), 8, 2, tail=chunk(*body))
    return out


def transparency():
    rgba, la = np.dstack([rgb(), alpha()]), np.dstack([gray().astype(np.uint8), alpha()])
    g16 = gray(65536) * 397 % 700
    out = {}
    for d in (1, 2, 4, 8):
        for v in (0, 1, 255, 256, 300, 65535):
            out[f"gray{d}_trns_{v}"] = png(gray(1 << d), d, 0, trns(v))
    for v in (0, 255, 256, 513):
        out[f"gray16_trns_{v}"] = png(g16, 16, 0, trns(v))
    out |= {
        "gray_trns_long": png(gray(), 8, 0, trns(29, 1, 2)), "gray_trns_short": png(gray(), 8, 0, chunk(b"tRNS", b"\0")), "gray_trns_empty": png(gray(), 8, 0, chunk(b"tRNS")),
        "rgb_trns_short": png(rgb(), 8, 2, trns(1, 2)), "rgb_trns_long": png(rgb(), 8, 2, trns(*map(int, rgb()[3, 4]), 9)), "rgb_trns_high": png(rgb(), 8, 2, trns(256, 300, 511)),
        "rgb16_trns_high": png(wide(), 16, 2, trns(*map(int, wide()[3, 4]))), "rgba_trns": png(rgba, 8, 6, trns(1, 2, 3)), "la_trns": png(la, 8, 4, trns(7)), "trns_twice": png(rgb(), 8, 2, trns(9, 9, 9) + trns(*map(int, rgb()[3, 4]))),
        "trns_after": png(rgb(), 8, 2, tail=trns(*map(int, rgb()[3, 4]))), "palette_no_plte": png(gray(16), 4, 3), "palette_no_plte_trns": png(gray(16), 4, 3, chunk(b"tRNS", b"\0")),
        "palette_257": png(gray(256), 8, 3, plte(257)), "palette_odd": png(gray(16), 4, 3, chunk(b"PLTE", b"\1\2\3\4")), "palette_empty": png(gray(16), 4, 3, chunk(b"PLTE")), "rgb_plte": png(rgb(), 8, 2, plte(9)), "gray_plte": png(gray(), 8, 0, plte(9)),
        "palette_after_trns": png(gray(16), 4, 3, chunk(b"tRNS", b"\xff\0") + plte(16)), "palette_trns_long": png(gray(16), 4, 3, plte(16) + chunk(b"tRNS", b"\xff" * 20 + b"\0")),
        "palette_trns_all": png(gray(16), 4, 3, plte(16) + chunk(b"tRNS", b"\xff" * 16)), "palette_trns_empty": png(gray(16), 4, 3, plte(16) + chunk(b"tRNS")), "palette_plte_twice": png(gray(16), 4, 3, plte(16) + plte(5)),
    }
    return out


def animations():
    plain = png(rgb(), 8, 2)
    actl = lambda n: chunk(b"acTL", struct.pack(">II", n, 0))
    fctl = lambda seq, w=W, h=H, x=0, y=0: chunk(b"fcTL", struct.pack(">IIIIIHHBB", seq, w, h, x, y, 1, 10, 0, 0))
    put = lambda extra: plain[:33] + extra + plain[33:]
    a = apng(True)
    return {"apng_part": put(actl(2) + fctl(0, 5, 5)), "apng_beyond": put(actl(2) + fctl(0, W + 1, H)), "apng_order": put(actl(2) + fctl(1)), "apng_no_frames": put(actl(0)), "apng_one": put(actl(1) + fctl(0)), "apng_two_actl": put(actl(2) + actl(2)),
            "apng_short_fctl": put(actl(1) + chunk(b"fcTL", bytes(20))), "apng_cut": a[:-30], "apng_fdat_first": put(actl(1) + fctl(0) + chunk(b"fdAT", b"\0\0\0\1x")), "apng_fdat_without_control": plain[:-12] + chunk(b"fdAT", b"\0\0\0\1x") + END}


def shapes():
    out = {}
    for w in (1, 2, 3, 4, 5, 8, 9, 17):
        for h in (1, 3, 9):
            values = gray(2, w, h)
            out[f"adam7_bits_{w}x{h}"] = png(values, 1, 0, interlaced=True)
            out[f"adam7_rgb_{w}x{h}"] = png(rgb(w, h), 8, 2, interlaced=True)
    out["wide_17x585"], out["wide_585x17"], out["ratio_201"] = png(rgb(17, 585), 8, 2), png(rgb(585, 17), 8, 2), png(rgb(201, 1), 8, 2)
    return out


def files():
    parts = orientations() | slips() | ancillary() | transparency() | animations() | shapes()
    return {f"png/{k}.png": v for k, v in parts.items()}
