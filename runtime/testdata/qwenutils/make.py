"""Writes read.json: what qwen_vl_utils 0.0.14 makes of pictures, lists of frames and videos by the keys of their part of a
message. Needs qwen_vl_utils, torch and Pillow.

Pictures are by the formula of visionkeys_test.go. "pixels" is the SHA-256 of the bytes of the result, "error" that there is none. Where
torch's sums come within 5e-5 of a half, what they round to differs between processors: "tie", and no pixels.
"""
import hashlib
import json
import random

import numpy as np
import torch
from PIL import Image
from qwen_vl_utils import vision_process as q


def formula(w, h, seed=0):
    x, y = np.arange(w)[None, :], np.arange(h)[:, None]
    return np.stack(np.broadcast_arrays(x * 255 // max(w - 1, 1), y * 255 // max(h - 1, 1), (x * 37 + y * 91 + (x ^ y) * 16 + seed * 50) & 255), -1).astype(np.uint8)


def keys(r, *names):
    k = {}
    if "resized" in names and r.random() < 0.3:
        k["resized_height"], k["resized_width"] = r.randrange(20, 300), r.randrange(20, 300)
        return k
    if r.random() < 0.6:
        k["min_pixels"] = r.choice([3136, 784, 20000, 60000])
    if r.random() < 0.6:
        k["max_pixels"] = r.choice([3136, 6272, 50000, 90000, 200000])
    if "total" in names and r.random() < 0.3:
        k["total_pixels"] = r.choice([50000, 100000, 400000])
    return k


def ties(frames, to):
    """Whether a byte of torch's resize of these could be rounded either way."""
    t = torch.stack([torch.from_numpy(np.array(f).transpose(2, 0, 1)) for f in frames]).float()
    x = q.transforms.functional.resize(t, [to[1], to[0]], interpolation=q.InterpolationMode.BICUBIC, antialias=True)
    return tuple(t.shape[-2:]) != (to[1], to[0]) and bool(((x - x.floor() - 0.5).abs() < 5e-5).any())


def done(case, make):
    try:
        out = make()
        case["size"] = [out.shape[1], out.shape[0]]
        case["pixels"] = hashlib.sha256(np.ascontiguousarray(out).tobytes()).hexdigest()
    except (AssertionError, ValueError, RuntimeError, ZeroDivisionError) as e:
        case["error"] = type(e).__name__
    return case


r = random.Random(3)
images, lists, videos = [], [], []
while len(images) < 60:
    w, h, k = r.randrange(10, 260), r.randrange(10, 260), keys(r, "resized")
    if k:
        images.append(done({"from": [w, h], "keys": k}, lambda: np.array(q.fetch_image({"image": Image.fromarray(formula(w, h)), **k}))))
while len(lists) < 30:
    w, h, n, k = r.randrange(40, 200), r.randrange(40, 200), r.randrange(1, 6), keys(r, "resized", "total")
    if k:
        c = {"from": [w, h], "frames": n, "keys": k}
        lists.append(done(c, lambda: (lambda v: (c.update(count=len(v)), v[0].numpy().astype(np.uint8).transpose(1, 2, 0))[1])(q.fetch_video({"video": [Image.fromarray(formula(w, h, i)) for i in range(n)], **k}))))
        if "size" in c and ties([q.fetch_image({"image": Image.fromarray(formula(w, h)), **k}, 28)], c["size"]):
            c["tie"] = True
            del c["pixels"]
while len(videos) < 150:
    n, rate = r.choice([1, 2, 3, 5, 10, 30, 100, 1000, 2000]), r.choice([1, 2.5, 10, 24, 29.97, 30])
    k = {}
    if r.random() < 0.4:
        k["fps"] = r.choice([0.5, 1, 2, 4, 30])
    elif r.random() < 0.5:
        k["nframes"] = r.choice([1, 2, 3, 5, 8, 20])
    if "nframes" not in k and r.random() < 0.3:
        k["min_frames"] = r.choice([1, 2, 5, 8])
    if "nframes" not in k and r.random() < 0.3:
        k["max_frames"] = r.choice([2, 5, 8, 31])
    if r.random() < 0.3:
        k["video_start"] = r.choice([0, 0.5, 1.01, 7])
    if r.random() < 0.3:
        k["video_end"] = r.choice([0.4, 1, 3.3, 50])
    c = {"frames": n, "rate": rate, "keys": k}
    try:
        start, end, total = q.calculate_video_frame_range(k, n, rate)
        c["chosen"] = torch.linspace(start, end, q.smart_nframes(k, total_frames=total, video_fps=rate)).round().long().tolist()
        if len(c["chosen"]) > 40:
            c["chosen"] = c["chosen"][:20] + c["chosen"][-20:]
    except (AssertionError, ValueError) as e:
        c["error"] = type(e).__name__
    videos.append(c)
with open("read.json", "w") as f:
    f.write("{" + ",\n".join(f'"{n}": [\n' + ",\n".join(json.dumps(c) for c in cs) + "\n]" for n, cs in (("images", images), ("lists", lists), ("videos", videos))) + "}\n")
