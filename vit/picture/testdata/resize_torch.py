"""Writes resize_torch.json: the SHA-256 of what torchvision's resize makes of bytes, bicubic and antialiased, for pictures by
common.py's formula. Needs torchvision, whose vector code orders some sums by the processor: sums within 1e-5 of a half (one byte in
225,792 of 500 x 333 to 336 x 224) may round to the other side."""
import hashlib
import json

import numpy as np
import torch
from torchvision.transforms import InterpolationMode
from torchvision.transforms.functional import resize


def formula(w, h):
    x, y = np.arange(w)[None, :], np.arange(h)[:, None]
    return np.stack(np.broadcast_arrays(x * 255 // max(w - 1, 1), y * 255 // max(h - 1, 1), (x * 37 + y * 91 + (x ^ y) * 16) & 255), -1).astype(np.uint8)


cases = []
for w, h, to in [(112, 112, (336, 336)), (128, 128, (84, 140)), (300, 200, (112, 84)), (97, 131, (560, 504)), (64, 64, (28, 28)), (333, 251, (112, 84)), (56, 112, (56, 224)), (112, 56, (224, 56)), (33, 47, (47, 33)), (20, 20, (20, 20))]:
    t = torch.from_numpy(formula(w, h).transpose(2, 0, 1).copy())[None]
    out = resize(t, [to[1], to[0]], interpolation=InterpolationMode.BICUBIC, antialias=True)[0].numpy().transpose(1, 2, 0)
    cases.append({"from": [w, h], "to": to, "pixels": hashlib.sha256(out.tobytes()).hexdigest()})
with open("resize_torch.json", "w") as f:
    f.write("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
