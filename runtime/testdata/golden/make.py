#!/usr/bin/env python3
"""Cuts a part of a golden fixture that is small enough to commit, in the fixture's own layout.

    python3 make.py [GOLDEN]        (GOLDEN: the fixture's directory, by default ../../../../shared/golden/a beside the module)

Needs NumPy only. It writes model/, cases/ and pictures/ beside itself; README.md says what they hold. The same fixture gives the same
files, byte for byte, so that running it again and looking at the difference checks what is committed.
"""
import hashlib, json, os, re, shutil, struct, sys, zlib
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
LIMIT = 3_000_000
TYPES = {"F32": np.dtype("<f4"), "I64": np.dtype("<i8")}

# What every case keeps whole. Of lm_head the last row is kept, as lm_head.last; of the pixels their SHA-256, in the case's JSON.
KEEP = [r"input_ids", r"position_ids", r"rope_delta", r"(image|video)_grid_thw", r"visual\.patch_embed", r"visual\.blocks\.\d+\.out",
        r"visual\.merger", r"model\.layers\.\d+\.out", r"model\.norm"]
# Attention probabilities are the large ones: those of the decoder in one case, those of the vision tower in another.
PROBS = {"text": [r"model\.layers\.\d+\.self_attn\.probs"], "video": [r"visual\.blocks\.\d+\.attn\.probs\.\d+"]}


def load(path):
    """The tensors of a safetensors file."""
    with open(path, "rb") as f:
        head = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        data = f.read()
    head.pop("__metadata__", None)
    return {k: np.frombuffer(data[slice(*v["data_offsets"])], TYPES[v["dtype"]]).reshape(v["shape"]) for k, v in head.items()}


def save(path, tensors):
    """Writes a safetensors file: int64 tensors first, so that each lies at a multiple of its size."""
    names = {v: k for k, v in TYPES.items()}
    head, at, order = {}, 0, sorted(tensors, key=lambda k: (-tensors[k].dtype.itemsize, k))
    for k in order:
        t = tensors[k]
        head[k] = dict(dtype=names[t.dtype], shape=list(t.shape), data_offsets=[at, at + t.nbytes])
        at += t.nbytes
    j = json.dumps(head, separators=(",", ":")).encode()
    j += b" " * (-len(j) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(j)) + j + b"".join(tensors[k].tobytes() for k in order))


def save_png(path, rgb):
    """Writes an 8-bit RGB PNG, each row filtered by the differences that suit photographs."""
    h, w, _ = rgb.shape
    rows, above = [], np.zeros((w, 3), np.uint8)
    for row in rgb:
        rows += [b"\2", (row - above).tobytes()]
        above = row
    chunk = lambda kind, d: struct.pack(">I", len(d)) + kind + d + struct.pack(">I", zlib.crc32(kind + d))
    size = struct.pack(">IIBBBBB", w, h, 8, 2, 0, 0, 0)
    with open(path, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(b"".join(rows), 9)) + chunk(b"IEND", b""))


def levels(config):
    """For each channel the float32 pixel value of each byte: rescaled, then normalized, as the reference's image processor does it."""
    u = np.arange(256, dtype=np.float32) / np.float32(255)
    return [(u - np.float32(m)) / np.float32(s) for m, s in zip(config["image_mean"], config["image_std"])]


def picture(patches, grid, table, config):
    """The resized RGB that the patches of one picture were made from; fails unless every value comes back to the bit."""
    t, gh, gw = (int(x) for x in grid)
    p, m, n = config["patch_size"], config["merge_size"], config["temporal_patch_size"]
    x = patches.reshape(t, gh // m, gw // m, m, m, 3, n, p, p).transpose(0, 6, 1, 3, 7, 2, 4, 8, 5).reshape(t * n, gh * p, gw * p, 3)
    out = np.stack([np.searchsorted(table[c], x[..., c]) for c in range(3)], -1)
    back = np.stack([table[c][np.minimum(out[..., c], 255)] for c in range(3)], -1)
    if not np.array_equal(back.view(np.uint32), np.ascontiguousarray(x).view(np.uint32)):
        sys.exit("pixel_values are not what the rescale and normalize of this script give for any picture")
    if not all(np.array_equal(out[0], o) for o in out):
        sys.exit("the frames of one picture differ")
    return out[0].astype(np.uint8)


def clear(name):
    """An empty directory beside this script."""
    d = os.path.join(HERE, name)
    shutil.rmtree(d, ignore_errors=True)
    os.makedirs(d)
    return d


def main():
    src = sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, "..", "..", "..", "..", "shared", "golden", "a")
    model, cases, pictures = clear("model"), clear("cases"), clear("pictures")
    for f in sorted(os.listdir(os.path.join(src, "model"))):
        shutil.copyfile(os.path.join(src, "model", f), os.path.join(model, f))
    shutil.copyfile(os.path.join(src, "cases", "video_frames.npy"), os.path.join(cases, "video_frames.npy"))
    config = json.load(open(os.path.join(model, "preprocessor_config.json")))
    table, drawn = levels(config), {}
    for f in sorted(os.listdir(os.path.join(src, "cases"))):
        name, kind = os.path.splitext(f)
        if kind != ".json":
            continue
        case = json.load(open(os.path.join(src, "cases", f), encoding="utf-8"))
        tensors = load(os.path.join(src, "cases", name + ".safetensors"))
        kept = {k: v for k, v in tensors.items() if any(re.fullmatch(x, k) for x in KEEP + PROBS.get(name, []))}
        kept["lm_head.last"] = tensors["lm_head"][-1:]
        save(os.path.join(cases, name + ".safetensors"), kept)
        at = 0
        for i, file in enumerate(case["images"]):
            grid = tensors["image_grid_thw"][i]
            n = int(np.prod(grid))
            rgb = picture(tensors["pixel_values"][at:at + n], grid, table, config)
            at += n
            case["images"][i] = png = os.path.splitext(file)[0] + ".png"
            if not np.array_equal(drawn.setdefault(png, rgb), rgb):
                sys.exit(f"two pictures would be named {png}")
            save_png(os.path.join(pictures, png), rgb)
        for k in ("pixel_values", "pixel_values_videos"):
            if k in tensors:
                case[k + "_sha256"] = hashlib.sha256(tensors[k].tobytes()).hexdigest()
        with open(os.path.join(cases, f), "w", encoding="utf-8") as out:
            json.dump(case, out, indent=1, ensure_ascii=False)
            out.write("\n")
    total = sum(os.path.getsize(os.path.join(d, f)) for d, _, files in os.walk(HERE) for f in files)
    print(f"{total} bytes")
    if total > LIMIT:
        sys.exit(f"more than {LIMIT} bytes: keep less")


if __name__ == "__main__":
    main()
