#!/usr/bin/env python3
"""Makes the gradients of traces' targets with PyTorch, float32, eager attention, on the checkpoint of ../golden.

    pip install torch transformers safetensors "pillow==12.1.1"
    python make.py

It writes NAME.safetensors and head/ beside itself; README.md says what they hold. Everything is seeded.
"""
import hashlib, json, os
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import Qwen2VLForConditionalGeneration
from transformers.models.qwen2_vl import modeling_qwen2_vl as M
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(HERE, "..", "golden")
TARGETS = [dict(name=n, mean=m, std=s, min=1, max=100) for n, m, s in (("score", 55, 18), ("color", 40, 7.5), ("texture", 61, 21))]
torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)

model = Qwen2VLForConditionalGeneration.from_pretrained(os.path.join(GOLDEN, "model"), dtype=torch.float32, attn_implementation="eager").eval()
width = model.config.text_config.hidden_size
g = torch.Generator().manual_seed(6)
head = {"score_head.weight": torch.randn(len(TARGETS), width, generator=g) / width**0.5, "score_head.bias": 0.1 * torch.randn(len(TARGETS), generator=g)}

taps = {}


def put(name, x):
    x.retain_grad()
    taps[name] = x


def first(o):
    return o[0] if isinstance(o, tuple) else o


v, l = model.model.visual, model.model.language_model
v.merger.register_forward_hook(lambda m, i, o: put("visual.merger", o))
l.embed_tokens.register_forward_hook(lambda m, i, o: put("model.embed_tokens", o))
l.norm.register_forward_hook(lambda m, i, o: put("model.norm", o))
for n, b in enumerate(v.blocks):
    b.register_forward_hook(lambda m, i, o, n=n: put(f"visual.blocks.{n}.out", first(o)))
for n, b in enumerate(l.layers):
    b.register_forward_hook(lambda m, i, o, n=n: put(f"model.layers.{n}.out", first(o)))
layers = {id(b.self_attn): n for n, b in enumerate(l.layers)}
real = M.eager_attention_forward


def attend(module, *a, **k):
    out, probs = real(module, *a, **k)
    if id(module) in layers:
        put(f"model.layers.{layers[id(module)]}.self_attn.probs", probs)
    return out, probs


M.eager_attention_forward = attend


def case(name):
    """The inputs of a committed case."""
    t, j = load_file(os.path.join(GOLDEN, "cases", name + ".safetensors")), json.load(open(os.path.join(GOLDEN, "cases", name + ".json")))
    inp = dict(input_ids=t["input_ids"].view(1, -1), position_ids=t["position_ids"].view(3, 1, -1))
    inp["attention_mask"] = torch.ones_like(inp["input_ids"])
    inp["mm_token_type_ids"] = (inp["input_ids"] == model.config.image_token_id).int()
    if j["images"]:
        p = json.load(open(os.path.join(GOLDEN, "model", "preprocessor_config.json")))
        proc = Qwen2VLImageProcessorPil(min_pixels=p["min_pixels"], max_pixels=p["max_pixels"])
        o = proc(images=[Image.open(os.path.join(GOLDEN, "pictures", f)) for f in j["images"]], return_tensors="pt")
        assert hashlib.sha256(o["pixel_values"].numpy().tobytes()).hexdigest() == j["pixel_values_sha256"]
        inp |= dict(pixel_values=o["pixel_values"], image_grid_thw=o["image_grid_thw"])
    return inp


def score(i):
    return lambda logits: (taps["visual.merger"].mean(0) @ head["score_head.weight"][i] + head["score_head.bias"][i]) * TARGETS[i]["std"] + TARGETS[i]["mean"]


def main():
    os.makedirs(os.path.join(HERE, "head"), exist_ok=True)
    save_file(head, os.path.join(HERE, "head", "score_head.safetensors"))
    json.dump(dict(version=1, input="visual.merger", pool="mean", hidden=[], targets=TARGETS), open(os.path.join(HERE, "head", "score_head.json"), "w"), indent=1)
    text = {
        "logit": lambda y: y[-1].max(),
        "logit:300": lambda y: y[-1, 300],
        "logit:300@5": lambda y: y[5, 300],
        "logprob": lambda y: y[-1].log_softmax(-1).max(),
        "logprob:77": lambda y: y[-1].log_softmax(-1)[77],
        "logprob:77@-4": lambda y: y[-4].log_softmax(-1)[77],
        "diff:300,77": lambda y: y[-1, 300] - y[-1, 77],
    }
    wanted = {"text": (text, ["model.embed_tokens", "model.layers.0.out", "model.layers.2.out", "model.norm", "model.layers.1.self_attn.probs"]),
              "image": ({"score:color": score(1), "score:texture": score(2), "diff:300,77": lambda y: y[-1, 300] - y[-1, 77]}, ["visual.blocks.0.out", "visual.merger"])}
    for name, (targets, names) in wanted.items():
        out = {}
        for target, of in targets.items():
            taps.clear()
            of(model(**case(name), use_cache=False).logits[0]).backward()
            for tap in names:
                if taps[tap].grad is not None:
                    out[f"{target}/{tap}"] = taps[tap].grad.squeeze(0).clone().contiguous()
        if name == "text":  # every tap for one target, one tap for every target
            out = {k: t for k, t in out.items() if k.endswith("layers.0.out") or k.startswith("logprob:77/")}
        save_file(out, os.path.join(HERE, name + ".safetensors"))
        print(name, len(out), "gradients")


main()
