"""Pictures of public reports about models and libraries that saw them otherwise, rebuilt small; each names its report."""
import io
import struct
import zlib

import numpy as np
from PIL import Image

from common import H, W, alpha, gray, rgb
from make_bmp import bmp
from make_png import chunk, png
from make_tiff import ifd, page, pillow, tiff


def save(img, kind, **kw):
    f = io.BytesIO()
    img.save(f, kind, **kw)
    return f.getvalue()


def entry(tag, value):
    return struct.pack(">HHHIHHI", 1, tag, 3, 1, value, 0, 0)


def files():
    big, out = Image.fromarray(rgb(50, 40)), {}
    for o in (3, 6, 8):  # sgl-project/sglang 33464, ollama 18418, mistral-common 330: turned photos; the thumbnail has an orientation too
        block = b"MM\0*" + struct.pack(">I", 8) + entry(0x112, o)[:-4] + struct.pack(">I", 26) + entry(0x112, 1)
        out[f"sglang_33464_{o}.jpg"] = save(big, "JPEG", exif=b"Exif\0\0" + block)
    out["thumbnail_alone_turned.jpg"] = save(big, "JPEG", exif=b"Exif\0\0MM\0*" + struct.pack(">IHI", 8, 0, 14) + entry(0x112, 6))
    red = Image.new("RGB", (40, 40), (255, 0, 0))
    red.paste((0, 0, 255), (0, 0, 20, 20))
    # huggingface/transformers 49003: a transparent color without an alpha channel
    out |= {"transformers_49003_rgb.png": save(red, "PNG", transparency=(255, 0, 0)), "transformers_49003_l.png": save(red.convert("L"), "PNG", transparency=76), "transformers_49003_p.png": save(red.convert("P"), "PNG", transparency=0)}
    # vllm 18569, hermes-agent 64548: colors under a transparent background
    logo = Image.fromarray(np.dstack([rgb(40, 30), np.where(np.mgrid[0:30, 0:40][1] < 15, 0, 255)]).astype(np.uint8))
    out |= {"vllm_18569.png": save(logo, "PNG"), "vllm_18569.webp": save(logo, "WEBP", lossless=True, exact=True), "vllm_18569.tiff": save(logo, "TIFF"), "vllm_18569.gif": save(logo, "GIF")}
    ycc = pillow(big.convert("YCbCr"), compression="jpeg")  # Pillow 1270, 2503: JPEG in a TIFF whose tag says RGB
    at = ycc.index(struct.pack("<HHIH", 262, 3, 1, 6))
    out |= {"pillow_1270.tiff": ycc[:at + 8] + b"\2\0" + ycc[at + 10:], "pillow_2503.tiff": ycc}
    out["pillow_1602.tiff"] = tiff(page(np.dstack([gray(65536)] * 2), 1, 16, t338=2))
    out["pillow_7995.tiff"] = tiff(page(np.dstack([gray()] * 2).astype(np.uint8), 1, 8, t338=0))
    for at in (0xaf11, 0xaf12):  # Pillow 9168: a TIFF that begins as an FLI animation does
        out[f"pillow_9168_{at:x}.tiff"] = b"II*\0" + struct.pack("<I", at) + bytes(at - 8) + ifd(page(rgb(), 2), at, "<", True)
    raw = zlib.compressobj(9, zlib.DEFLATED, -15)  # a PNG of an iOS application
    data = raw.compress(b"".join(b"\0" + r.tobytes() for r in np.dstack([rgb(), alpha()]))) + raw.flush()
    out["cgbi.png"] = b"\x89PNG\r\n\x1a\n" + chunk(b"CgBI", b"\x50\0\x20\2") + chunk(b"IHDR", struct.pack(">IIBBBBB", W, H, 8, 6, 0, 0, 0)) + chunk(b"IDAT", data) + chunk(b"IEND")
    out["pillow_8052.jpg"] = save(big, "MPO", save_all=True, append_images=[big.resize((20, 16))])  # a gain map behind the picture
    out |= {"gray16_washed_out.png": png(gray(65536) * 397, 16, 0), "gray16_washed_out.tiff": tiff(page(gray(65536) * 397, 1, 16))}
    out["pillow_5246.bmp"] = bmp([x.tobytes() for x in rgb()[:, :, ::-1]], 24, header=124) + b"profile" * 40
    partial = save(big, "JPEG", progressive=True, quality=70)  # ms-swift 3275, transformers 28323: downloads that broke off
    out |= {"swift_3275.jpg": partial[:len(partial) // 2], "swift_3275_closed.jpg": partial[:len(partial) // 2 + 90] + b"\xff\xd9", "padded.jpg": partial[:2] + b"\xff\xff\xff" + partial[2:]}
    out |= {"png_by_another_name.jpg": png(rgb(), 8, 2), "webp_by_another_name.png": out["vllm_18569.webp"], "jpeg_by_another_name.bmp": save(big.convert("CMYK"), "JPEG")}
    return {f"reports/{k}": v for k, v in out.items()}
