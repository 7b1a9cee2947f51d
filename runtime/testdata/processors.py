#!/usr/bin/env python3
"""Writes processors.json: the grids that transformers' processors give a picture and a video when the files of the golden model say their sizes in
several ways, alone and beside each other.

    python3 processors.py > processors.json        (with transformers 5.24, torch and torchvision)
"""
import json, os, shutil, tempfile, warnings
warnings.filterwarnings("ignore")
import torch
from transformers import AutoProcessor

HERE = os.path.dirname(os.path.abspath(__file__))
W, H, FRAMES = 200, 120, 6
size = lambda low, high: {"size": {"shortest_edge": low, "longest_edge": high}}
IMAGE, VIDEO, WHOLE = "preprocessor_config.json", "video_preprocessor_config.json", "processor_config.json"
CASES = {
    "as it is": {},
    "no values": {IMAGE: {}},
    "least alone": {IMAGE: {"min_pixels": 6272}},
    "most alone, under the class's least of videos": {IMAGE: {"max_pixels": 6272}},
    "a video's own": {VIDEO: size(3136, 6272)},
    "a video's own, twice": {VIDEO: {**size(3136, 23520), "max_pixels": 7000}},
    "a cap": {VIDEO: {**size(784, 23520), "cap_pixels_per_frame": True, "max_video_tokens": 20}},
    "a cap at its floor": {VIDEO: {**size(7000, 23520), "cap_pixels_per_frame": True, "max_video_tokens": 10}},
    "an image processor inside": {WHOLE: {"image_processor": size(3136, 6272)}},
    "a video processor inside": {WHOLE: {"video_processor": size(3136, 6272)}},
    "both inside, stale ones beside": {WHOLE: {"image_processor": {"max_pixels": 9000}, "video_processor": {"max_pixels": 200000, **size(784, 99)}}, VIDEO: {"max_pixels": 3}},
    "both inside, without values": {WHOLE: {"image_processor": {}, "video_processor": {}}},
    "a label": {WHOLE: {"processor_class": "Qwen2VLProcessor"}},
}
out = {"width": W, "height": H, "frames": FRAMES, "cases": {}}
for name, files in CASES.items():
    with tempfile.TemporaryDirectory() as d:
        shutil.copytree(os.path.join(HERE, "golden", "model"), d, dirs_exist_ok=True)
        for f, v in files.items():
            json.dump(v, open(os.path.join(d, f), "w"))
        p = AutoProcessor.from_pretrained(d)
        frames = torch.zeros(FRAMES, 3, H, W, dtype=torch.uint8)
        out["cases"][name] = {"files": files, "image": p.image_processor(frames[0], return_tensors="pt")["image_grid_thw"].tolist()[0],
                              "video": p.video_processor([frames], return_tensors="pt")["video_grid_thw"].tolist()[0]}
print("{" + f'"width": {W}, "height": {H}, "frames": {FRAMES}, "cases": ' + "{\n" + ",\n".join(f" {json.dumps(k)}: {json.dumps(v)}" for k, v in out["cases"].items()) + "\n}}")
