"""Writes kinds.tar.gz, pictures of the kinds that Pillow's and image-rs's own tests have, and kinds.json, what the reference
makes of each: its size and the SHA-256 of its RGB bytes after transformers' load_image, and after convert_to_rgb where that
differs; or the name of the exception with which it refuses the file.

    python make_kinds.py        needs Pillow 12.1.1, NumPy and transformers
    python make_kinds.py DIR    writes the files to DIR too
"""
import gzip
import io
import json
import pathlib
import sys
import tarfile
import tempfile
import warnings

import PIL

import kinds_png
import kinds_reports
import kinds_rest
import kinds_tiff
from make import HERE, expect


def main():
    assert PIL.__version__ == "12.1.1", "the bytes of other versions differ"
    warnings.simplefilter("ignore")
    files = {}
    for m in (kinds_png, kinds_tiff, kinds_rest, kinds_reports):
        files |= m.files()
    rows = {}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar, tempfile.TemporaryDirectory() as scratch:
        root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else scratch)
        for name, data in sorted(files.items()):
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            rows[name] = {k: v for k, v in expect(path).items() if k != "frames"}
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    packed = gzip.compress(out.getvalue(), 9, mtime=0)
    (HERE / "kinds.tar.gz").write_bytes(packed)
    lines = ",\n".join(f" {json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in rows.items())
    (HERE / "kinds.json").write_text("{\n" + lines + "\n}\n")
    print(f"{len(rows)} pictures in {len(packed)} bytes; the reference refuses {sum('error' in r for r in rows.values())}")


if __name__ == "__main__":
    main()
