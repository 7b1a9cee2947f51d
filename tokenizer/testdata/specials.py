#!/usr/bin/env python3
"""Writes specials.json: what transformers' Qwen2Tokenizer makes of the tiny tokenizer when its files say in other ways which tokens are added.

    python3 specials.py > specials.json        (with transformers 5.24)

Each case: files to change or to remove (null), and the ids of a text."""
import json, os, shutil, tempfile
from transformers import Qwen2Tokenizer

HERE = os.path.dirname(os.path.abspath(__file__))
TEXT = "<|im_start|>the <|image_pad|><|video_pad|><tool>x<extra> caf\u00e9<|im_end|>"
config = json.load(open(os.path.join(HERE, "tiny", "tokenizer_config.json")))
whole = json.load(open(os.path.join(HERE, "tiny", "tokenizer.json")))
config["added_tokens_decoder"]["325"] = config["added_tokens_decoder"].pop("326")  # transformers leaves no holes
bare = {k: v for k, v in config.items() if k != "added_tokens_decoder"}
ORDER = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
cut = {"truncation": {"direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0},
       "padding": {"strategy": {"Fixed": 64}, "direction": "Left", "pad_to_multiple_of": None, "pad_id": 316, "pad_type_id": 0, "pad_token": "<|endoftext|>"}}
CASES = {
    "truncation and padding": {"tokenizer.json": {**whole, **cut}, "tokenizer_config.json": config},
    "listed alone": {"tokenizer_config.json": {**bare, "extra_special_tokens": ORDER + ["<extra>"]}},
    "listed alone, version 4": {"tokenizer_config.json": {**bare, "additional_special_tokens": ORDER}},
    "named": {"tokenizer_config.json": {**bare, "extra_special_tokens": {"image_token": "<|image_pad|>", "video_token": "<|video_pad|>"}}},
    "one more in the list": {"tokenizer_config.json": {**config, "extra_special_tokens": ORDER + ["<extra>"]}},
    "a learned token in the list": {"tokenizer_config.json": {**config, "extra_special_tokens": ["the"]}},
    "vocab and merges, listed": {"tokenizer.json": None, "tokenizer_config.json": {**bare, "extra_special_tokens": ORDER}},
    "vocab and merges, added_tokens.json": {"tokenizer.json": None, "tokenizer_config.json": bare,
                                            "added_tokens.json": {t: 316 + i for i, t in enumerate(ORDER)} | {"<tool>": 323}},
}
out = {}
for name, files in CASES.items():
    with tempfile.TemporaryDirectory() as d:
        shutil.copytree(os.path.join(HERE, "tiny"), d, dirs_exist_ok=True)
        for f, v in files.items():
            p = os.path.join(d, f)
            json.dump(v, open(p, "w")) if v is not None else os.remove(p)
        ids = Qwen2Tokenizer.from_pretrained(d)(TEXT).input_ids
    small = {f: v if f != "tokenizer.json" or v is None else {k: v[k] for k in cut} for f, v in files.items()}  # the rest is the file's own
    out[name] = {"files": small, "text": TEXT, "ids": ids}
print(json.dumps(out, indent=1, ensure_ascii=False))
