"""Changes to the markers and scans of finished JPEG files: what no encoder writes, but decoders must read."""

import struct


def segments(data):
    """(marker, start, end) of each segment in front of and between scans; a scan's data is skipped."""
    at = 2
    while data[at + 1] != 0xD9:
        marker, end = data[at + 1], at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        yield marker, at, end
        if marker == 0xDA:
            while data[end] != 0xFF or data[end + 1] == 0 or 0xD0 <= data[end + 1] <= 0xD7:
                end += 1
        at = end


def drop(data, marker):
    """The file without its segments of a marker."""
    out, kept = bytearray(), 0
    for m, start, end in segments(data):
        if m == marker:
            out += data[kept:start]
            kept = end
    assert kept, f"no marker {marker:#x}"
    return bytes(out) + data[kept:]


def insert(data, segment):
    return data[:2] + segment + data[2:]


def adobe(transform):
    return b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00" + bytes([transform])


def exif(orientation):
    tiff = b"MM\x00\x2a" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    body = b"Exif\x00\x00" + tiff
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def sampling(data, *factors):
    """The file with other sampling factors in its frame header."""
    out = bytearray(data)
    for m, start, _ in segments(data):
        if 0xC0 <= m <= 0xC2:
            for i, f in enumerate(factors):
                out[start + 11 + 3 * i] = f
    return bytes(out)


def quantizers(value):
    """Segments that set tables 0 and 1 to one 16-bit value."""
    return b"".join(b"\xff\xdb\x00\x83" + bytes([0x10 | i]) + struct.pack(">H", value) * 64 for i in (0, 1))


def scans(data):
    """(start, end) of each scan, header and data."""
    found = [(m, start) for m, start, _ in segments(data)] + [(0, data.rindex(b"\xff\xd9"))]
    return [(start, following) for (m, start), (_, following) in zip(found, found[1:]) if m == 0xDA]


def restarts(data):
    """Where the restart markers of a file with one scan are."""
    start, end = scans(data)[0]
    return [i for i in range(start, end) if data[i] == 0xFF and 0xD0 <= data[i + 1] <= 0xD7]


def put(data, at, new):
    return data[:at] + new + data[at + len(new) :]
