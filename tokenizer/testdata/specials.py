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
SPACED = "a <extra> b<extra>c  <extra>\u00a0\n <extra><extra> _<extra>\u0301 \u00e9<extra> <|im_start|> <extra>"
TEXTS = {}
for normalized in (False, True):
    for flags in (["lstrip"], ["rstrip"], ["lstrip", "rstrip"], ["single_word"], ["single_word", "lstrip", "rstrip"]):
        token = {"content": "<extra>", "single_word": False, "lstrip": False, "rstrip": False, "special": False, "normalized": normalized} | {f: True for f in flags}
        name = " ".join(flags) + (", normalized" if normalized else "")
        CASES[name] = {"tokenizer_config.json": {**config, "added_tokens_decoder": {**config["added_tokens_decoder"], "326": token}}}
        TEXTS[name] = SPACED
named = [{"content": "<zz>", "single_word": False, "lstrip": True, "rstrip": False, "special": True, "normalized": False, "__type": "AddedToken"}, "<aa>"]
TEXTS |= dict.fromkeys(["model's own", "model's own, in their order", "an object in the list", "a name that is an object", "special_tokens_map.json beside no decoder", "a map beside a decoder"], "x <zz> y<aa> <yy>z <tool>")
CASES |= {
    "model's own": {"tokenizer_config.json": {**config, "model_specific_special_tokens": {"z_token": named[0], "a_token": named[1]}}},
    "model's own, in their order": {"tokenizer_config.json": {**config, "y_token": "<yy>", "extra_special_tokens": {"z_token": "<zz>", "a_token": "<aa>"}}},
    "an object in the list": {"tokenizer_config.json": {**config, "extra_special_tokens": named}},
    "a name that is an object": {"tokenizer_config.json": {**config, "mask_token": named[0]}},
    "special_tokens_map.json beside no decoder": {"tokenizer_config.json": bare, "special_tokens_map.json": {"mask_token": named[0], "extra_special_tokens": ["<aa>"], "additional_special_tokens": ["<yy>"]}},
    "a map beside a decoder": {"tokenizer_config.json": config, "special_tokens_map.json": {"mask_token": named[0], "extra_special_tokens": ["<aa>"]}},
}
out = {}
for name, files in CASES.items():
    with tempfile.TemporaryDirectory() as d:
        shutil.copytree(os.path.join(HERE, "tiny"), d, dirs_exist_ok=True)
        for f, v in files.items():
            p = os.path.join(d, f)
            json.dump(v, open(p, "w")) if v is not None else os.remove(p)
        ids = Qwen2Tokenizer.from_pretrained(d)(TEXTS.get(name, TEXT)).input_ids
    small = {f: v if f != "tokenizer.json" or v is None else {k: v[k] for k in cut} for f, v in files.items()}  # the rest is the file's own
    out[name] = {"files": small, "text": TEXTS.get(name, TEXT), "ids": ids}
print(json.dumps(out, indent=1, ensure_ascii=False))
