"""The one picture that every file shows, and the compressors that Pillow does not hand out."""
import numpy as np

W, H = 13, 11


def rgb(w=W, h=H):
    """Gradients in red and green, a checkered blue: every row and column differs."""
    y, x = np.mgrid[0:h, 0:w]
    return np.stack([x * 255 // max(w - 1, 1), y * 255 // max(h - 1, 1), (x * 37 + y * 91 + (x ^ y) * 16) % 256], 2).astype(np.uint8)


def gray(levels=256, w=W, h=H):
    y, x = np.mgrid[0:h, 0:w]
    return ((x * 29 + y * 53 + (x & y) * 7) % levels).astype(np.uint16)


def alpha(w=W, h=H):
    """Alpha with fully transparent, half transparent and opaque parts."""
    y, x = np.mgrid[0:h, 0:w]
    return np.where(x < 4, 0, np.where(y < 5, 255, (x * 19) % 256)).astype(np.uint8)


def palette(n):
    """n colors, none twice, no gray ramp (Pillow reads a ramp as gray levels)."""
    return [(i * 83 % 256, 255 - i * 255 // max(n - 1, 1), (i * 29 + 7) % 256) for i in range(n)]


def pack(values, bits):
    """Rows of bits-wide numbers, most significant first, each row padded to a byte."""
    rows = []
    for row in values:
        text = "".join(format(int(v), f"0{bits}b") for v in row)
        text += "0" * (-len(text) % 8)
        rows.append(bytes(int(text[i:i + 8], 2) for i in range(0, len(text), 8)))
    return rows


def lzw(data, width, msb=False, early=0):
    """LZW codes as GIF (least significant bit first) or TIFF (msb, early change) pack them."""
    clear, end = 1 << width, (1 << width) + 1
    out, acc, n = bytearray(), 0, 0

    def emit(code, size):
        nonlocal acc, n
        if msb:
            acc = acc << size | code
            n += size
            while n >= 8:
                out.append(acc >> (n - 8) & 255)
                n -= 8
                acc &= (1 << n) - 1
        else:
            acc |= code << n
            n += size
            while n >= 8:
                out.append(acc & 255)
                acc >>= 8
                n -= 8

    size, table, prefix = width + 1, {bytes([i]): i for i in range(min(clear, 256))}, b""
    following = end + 1
    emit(clear, size)
    for byte in data:
        if prefix + bytes([byte]) in table:
            prefix += bytes([byte])
            continue
        emit(table[prefix], size)
        table[prefix + bytes([byte])] = following
        following += 1
        if following + early > 1 << size:
            size += 1
        if size > 12 or following >= 4093:
            emit(clear, min(size, 12))
            size, table, following = width + 1, {bytes([i]): i for i in range(min(clear, 256))}, end + 1
        prefix = bytes([byte])
    if prefix:
        emit(table[prefix], size)
        if following + 1 + early > 1 << size and size < 12:
            size += 1
    emit(end, size)
    if n:
        out.append(acc << (8 - n) & 255 if msb else acc & 255)
    return bytes(out)


def exif(orientation, order="<"):
    """The smallest EXIF block with an orientation."""
    import struct
    head = b"II*\0" if order == "<" else b"MM\0*"
    return head + struct.pack(order + "IHHHIHHI", 8, 1, 0x112, 3, 1, orientation, 0, 0)


def xmp(orientation):
    return f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="{orientation}"/></x:xmpmeta>'.encode()
