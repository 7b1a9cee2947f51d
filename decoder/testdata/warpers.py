"""Writes warpers.json: which tokens transformers' logits warpers keep, for 480 settings. Needs torch and transformers.

The logits of a case are logits(seed, n, step) below, which sampler_test.go has too: multiples of 1/step, so that many are
equal where step is small. "kept" are the bits of the ids that are left, id 0 first.
"""
import json
import random

import torch
from transformers import MinPLogitsWarper, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper


def logits(seed, n, step):
    x, out = seed, []
    for _ in range(n):
        x = (x * 1103515245 + 12345) % 2**31
        out.append(((x >> 8) % (16 * step) - 8 * step) / step)
    return out


def kept(c):
    scores = torch.tensor([logits(c["seed"], c["n"], c["step"])], dtype=torch.float32)
    warpers = [TemperatureLogitsWarper(c["temperature"])] if c["temperature"] != 1.0 else []
    if c["top_k"]:
        warpers.append(TopKLogitsWarper(c["top_k"]))
    if c["top_p"] < 1:
        warpers.append(TopPLogitsWarper(c["top_p"]))
    if c["min_p"]:
        warpers.append(MinPLogitsWarper(c["min_p"]))
    for w in warpers:
        scores = w(None, scores)
    return "".join("0" if x == -float("inf") else "1" for x in scores[0].tolist())


r = random.Random(7)
cases = []
for i in range(480):
    c = {"seed": r.randrange(2**31), "n": r.choice([1, 2, 5, 24, 60, 97]), "step": r.choice([1, 2, 8, 1024]),
         "temperature": r.choice([1.0, 0.01, 0.3, 0.7, 1.3, 3.0, 50.0, 1e3, 1e9, 1e-20]), "top_k": r.choice([0, 0, 1, 2, 5, 20, 200]),
         "top_p": r.choice([1.0, 1.0, 0.0, 1e-9, 0.001, 0.25, 0.5, 0.8, 0.95, 0.999, 0.9999999]), "min_p": r.choice([0.0, 0.0, 0.01, 0.05, 0.2, 0.5, 0.999, 1.0])}
    cases.append({**c, "kept": kept(c)})
with open("warpers.json", "w") as f:
    f.write("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
