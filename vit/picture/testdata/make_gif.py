"""GIF files, still and animated, written block by block."""
import struct

import numpy as np

from common import gray, lzw, palette

RAMP = [(i, i, i) for i in range(8)]


def blocks(data):
    return b"".join(bytes([len(data[i:i + 255])]) + data[i:i + 255] for i in range(0, len(data), 255)) + b"\0"


def table(colors):
    return bytes(sum(colors, ()))


def bits(colors):
    return (len(colors) - 1).bit_length() - 1


def control(disposal=0, key=None, delay=7):
    return b"\x21\xf9\x04" + struct.pack("<BHBB", disposal << 2 | (key is not None), delay, key or 0, 0)


def frame(values, at=(0, 0), local=None, interlaced=False, width=3, **ctl):
    values = np.asarray(values, np.uint8)
    h, w = values.shape
    if interlaced:
        values = np.concatenate([values[a::b] for a, b in ((0, 8), (4, 8), (2, 4), (1, 2))])
    flags = (0x80 | bits(local) if local else 0) | (0x40 if interlaced else 0)
    out = control(**ctl) if ctl else b""
    return out + b"\x2c" + struct.pack("<4HB", *at, w, h, flags) + (table(local) if local else b"") + bytes([width]) + blocks(lzw(values.tobytes(), width))


def gif(*frames, size=(13, 11), colors=None, background=0, loop=False, end=b"\x3b", version=b"GIF89a"):
    flags = 0x80 | bits(colors) if colors else 0
    head = version + struct.pack("<HHBBB", *size, flags, background, 0) + (table(colors) if colors else b"")
    return head + (b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0" if loop else b"") + b"".join(frames) + end


def animation(disposals, keys=(None, 2, None, 2), **kw):
    """A full frame, and smaller ones that move over it."""
    fs = [frame(gray(8), disposal=disposals[0], key=keys[0])]
    for i, at in enumerate([(2, 1), (6, 4), (0, 5)]):
        fs.append(frame(gray(8, 7, 6)[::-1] ^ i, at, disposal=disposals[i + 1], key=keys[i + 1], delay=5 + i))
    return gif(*fs, colors=palette(8), loop=True, **kw)


def files():
    p = palette(8)
    plain = gray(8)
    out = {
        "still.gif": gif(frame(plain), colors=p),
        "87a.gif": gif(frame(plain), colors=p, version=b"GIF87a"),
        "interlaced.gif": gif(frame(plain, interlaced=True), colors=p),
        "interlaced_1_row.gif": gif(frame(plain[:1], interlaced=True), size=(13, 1), colors=p),
        "transparent.gif": gif(frame(plain, key=2), colors=p),
        "local_palette.gif": gif(frame(plain, local=p[::-1]), colors=p),
        "no_palette.gif": gif(frame(plain)),
        "ramp.gif": gif(frame(plain), colors=RAMP),
        "short_palette.gif": gif(frame(plain), colors=p[:4]),
        "small_frame.gif": gif(frame(plain[:4, :5], (3, 2)), colors=p, background=5),
        "small_frame_transparent.gif": gif(frame(plain[:4, :5], (3, 2), key=6), colors=p, background=5),
        "beyond_screen.gif": gif(frame(plain, (4, 3)), size=(5, 6), colors=p),
        "256_colors.gif": gif(frame(gray(256), width=8), colors=palette(256)),
        "2_colors.gif": gif(frame(gray(2), width=2), colors=[(10, 200, 30), (250, 5, 90)]),
        "long_codes.gif": gif(frame(gray(256, 97, 89), width=8), size=(97, 89), colors=palette(256)),
        "comment.gif": gif(b"\x21\xfe\x05hello\0", frame(plain), colors=p),
        "no_trailer.gif": gif(frame(plain), colors=p, end=b""),
        "two_controls.gif": gif(control(key=3), frame(plain, key=None, delay=4), colors=p),
        "anim_mixed.gif": animation((1, 2, 3, 0)),
        "anim_background.gif": animation((2, 2, 2, 2), background=5),
        "anim_previous_first.gif": animation((3, 1, 3, 1)),
        "anim_no_keys.gif": animation((1, 2, 3, 2), keys=(None,) * 4, background=3),
        "anim_first_key.gif": animation((1, 3, 2, 1), keys=(1, 2, None, 1)),
        "anim_clear_to_key.gif": animation((2, 1, 2, 1), keys=(4, 4, 4, 4)),
        "anim_small_first.gif": gif(frame(plain[:5, :6], (2, 3), disposal=1), frame(plain[:6, :4], (5, 1), disposal=2, key=1),
                                    frame(plain[:3, :3], (9, 7), disposal=1), colors=p, background=4, loop=True),
        "anim_small_first_cleared.gif": gif(frame(plain[:5, :6], (2, 3), disposal=2, key=1), frame(plain[:6, :4], (5, 1), disposal=1, key=1),
                                            frame(plain[:3, :3], (9, 7), disposal=1), colors=p, background=4, loop=True),
    }
    for d in (0, 1, 2, 3):
        out[f"anim_disposal{d}.gif"] = animation((d,) * 4)
    q = [(b, r, g) for r, g, b in p]
    out["anim_local_palettes.gif"] = gif(frame(plain, disposal=1), frame(plain[:6, :7], (1, 2), local=q, disposal=2, key=1),
                                         frame(plain[2:7, :5], (4, 4), local=p[::-1], disposal=3, key=None), frame(plain[:3, :3], (0, 0), key=0), colors=p, loop=True)
    out["anim_local_only.gif"] = gif(frame(plain, local=p, disposal=1), frame(plain[:6, :7], (1, 2), local=q, disposal=2, key=1),
                                     frame(plain[2:7, :5], (4, 4), local=q, disposal=1, key=3), loop=True)
    out["anim_ramp.gif"] = gif(frame(plain, disposal=1), frame(plain[:6, :7], (1, 2), disposal=2, key=1), frame(plain[:4, :4], (5, 5), disposal=1, key=0), colors=RAMP, loop=True)
    out["anim_gray_local.gif"] = gif(frame(plain, disposal=1), frame(plain[:6, :7], (1, 2), local=RAMP, disposal=2, key=1), frame(plain[:4, :4], (5, 5), disposal=1, key=0), colors=p, loop=True)
    out["anim_ramp_then_colors.gif"] = gif(frame(plain, disposal=1), frame(plain[:4, :4], (5, 5), local=p, disposal=1), colors=RAMP, loop=True)
    out["anim_disposal_stays.gif"] = animation((2, 0, 3, 0))
    out["anim_disposal_stays_previous.gif"] = animation((1, 3, 0, 0))
    out["anim_previous_first_key.gif"] = animation((3, 1, 1, 1), keys=(2, None, 2, None))
    out["anim_background_beyond.gif"] = animation((2, 2, 2, 2), keys=(None,) * 4, background=200)
    out["anim_no_global_background.gif"] = gif(frame(plain, local=q, disposal=2), frame(plain[:6, :7], (1, 2), local=q, disposal=2), frame(plain[:3, :3], (9, 7), local=p), background=5, loop=True)
    out["anim_short_palette.gif"] = gif(frame(plain, disposal=1), frame(plain[:6, :7], (1, 2), disposal=2), frame(plain[:3, :3], (9, 7), disposal=1, key=1), colors=p[:4], loop=True)
    out["anim_key_beyond.gif"] = gif(frame(plain, disposal=1), frame(plain[:6, :7], (1, 2), disposal=2, key=7), frame(plain[:3, :3], (9, 7), disposal=2, key=6), frame(plain[:2, :2]), colors=p[:4], loop=True)
    out["ramp_short.gif"] = gif(frame(plain, disposal=1), frame(plain[:6, :7], (1, 2), disposal=2), colors=RAMP[:4])
    out["anim_ramp_key.gif"] = gif(frame(plain, disposal=1, key=5), frame(plain[:6, :7], (1, 2), disposal=2, key=1), frame(plain[:3, :3], (9, 7), disposal=1), colors=RAMP, loop=True)
    out["two_controls_disposal.gif"] = gif(control(disposal=2, key=3), frame(plain, disposal=0), frame(plain[:3, :3], (9, 7), disposal=1), colors=p)
    return out
