#!/usr/bin/env python3
"""Measures transformers and PyTorch on a GPU with random weights of the 7B's shape, as loupe's bench measures itself: prefill, decode,
a picture of 4,096 patches, and a LoRA step (rank 16 on both towers, joint loss, a picture of 256 tokens). One JSON object a line.

float32 is without TF32 and with deterministic algorithms; bfloat16 is by sdpa.

    python3 peer_torch.py --tokens 2048 --answer 80 [--tiny] [--device cuda]
"""
import argparse
import json
import os
import time

os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what deterministic algorithms ask for
os.environ["HF_HUB_OFFLINE"] = "1"
import torch
from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration

ap = argparse.ArgumentParser()
ap.add_argument("--tokens", type=int, default=2048)
ap.add_argument("--answer", type=int, default=80)
ap.add_argument("--device", default="cuda")
ap.add_argument("--tiny", action="store_true", help="a model of a few thousand weights, to try this script")
ap.add_argument("--what", default="float32:prefill,decode,image,train bfloat16:prefill,decode,image,train")
a = ap.parse_args()
torch.backends.cuda.matmul.allow_tf32 = False
torch.backends.cudnn.allow_tf32 = False
on_gpu = a.device.startswith("cuda")
QUESTION, RANK = 32, 16


def config():
    text = dict(hidden_size=3584, intermediate_size=18944, num_hidden_layers=28, num_attention_heads=28, num_key_value_heads=4, vocab_size=152064)
    vision = dict(depth=32, embed_dim=1280, num_heads=16, hidden_size=3584)
    sections = [16, 24, 24]
    if a.tiny:
        text = dict(hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, vocab_size=152064)
        vision = dict(depth=2, embed_dim=32, num_heads=2, hidden_size=64)
        sections = [2, 3, 3]
    rope = {"type": "mrope", "rope_type": "default", "mrope_section": sections, "rope_theta": 1e6}
    text.update(rms_norm_eps=1e-6, max_position_embeddings=32768, rope_theta=1e6, rope_scaling=rope, tie_word_embeddings=False)
    vision.update(mlp_ratio=4, patch_size=14, temporal_patch_size=2, spatial_merge_size=2, in_channels=3)
    return Qwen2VLConfig(text_config=text, vision_config=vision, vision_start_token_id=151652, vision_end_token_id=151653, image_token_id=151655, video_token_id=151656, tie_word_embeddings=False)


def wait():
    if on_gpu:
        torch.cuda.synchronize()


def best(f, times=3):
    f()
    out = []
    for _ in range(times):
        wait()
        t = time.perf_counter()
        f()
        wait()
        out.append(time.perf_counter() - t)
    return min(out)


def say(dtype, what, **k):
    peak = torch.cuda.max_memory_allocated() >> 20 if on_gpu else 0
    name = torch.cuda.get_device_name() if on_gpu else "cpu"
    print(json.dumps(dict(peer="torch", version=torch.__version__, device=name, dtype=dtype, what=what, **k, peak_device_mb=peak)), flush=True)
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()


def picture(side, dtype):
    return torch.rand(side * side, 3 * 2 * 14 * 14, device=a.device).to(dtype), torch.tensor([[1, side, side]], device=a.device)


def measure(name, what):
    dtype = getattr(torch, name)
    torch.use_deterministic_algorithms(name == "float32", warn_only=True)
    torch.set_default_dtype(dtype)
    with torch.device(a.device):
        model = Qwen2VLForConditionalGeneration._from_config(config(), attn_implementation="sdpa" if name == "bfloat16" else "eager").eval()
    torch.set_default_dtype(torch.float32)
    model.to(dtype)
    for p in model.parameters():
        p.requires_grad_(False)
    ids = torch.randint(0, 1000, (1, a.tokens), device=a.device)
    with torch.no_grad():
        if "prefill" in what:
            s = best(lambda: model(input_ids=ids, use_cache=False, logits_to_keep=1))
            say(name, "prefill", tokens_per_s=round(a.tokens / s, 2))
        if "decode" in what:
            for n in (1, 8, 32):
                past = [model(input_ids=ids[:, :16].expand(n, -1), use_cache=True).past_key_values]

                def step():
                    past[0] = model(input_ids=ids[:, :1].expand(n, -1), past_key_values=past[0], use_cache=True).past_key_values

                say(name, "decode" if n == 1 else f"decode of {n}", tokens_per_s=round(n / best(step, 8), 2))
        if "image" in what:
            pixels, grid = picture(8 if a.tiny else 64, dtype)
            s = best(lambda: model.model.visual(pixels, grid_thw=grid))
            say(name, "image encode", patches=pixels.shape[0], s=round(s, 4))
    if "train" in what:
        from peft import LoraConfig, get_peft_model

        pixels, grid = picture(4 if a.tiny else 32, dtype)
        rows = pixels.shape[0] // 4
        n = QUESTION + rows + a.answer
        seq = torch.randint(0, 1000, (1, n), device=a.device)
        seq[0, QUESTION // 2 - 1] = 151652
        seq[0, QUESTION // 2 : QUESTION // 2 + rows] = 151655
        labels = seq.clone()
        labels[:, : n - a.answer] = -100
        peft = get_peft_model(model, LoraConfig(r=RANK, lora_alpha=32, target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj", "qkv", "proj", "fc1", "fc2"]))
        head = torch.nn.Linear(model.config.text_config.hidden_size, 1, device=a.device)
        opt = torch.optim.AdamW([p for p in peft.parameters() if p.requires_grad] + list(head.parameters()), lr=1e-4)
        types = (seq == 151655).int()

        def step():
            opt.zero_grad()
            merged = {}

            def keep(module, inputs, output):
                merged["x"] = output

            h = model.model.visual.merger.register_forward_hook(keep)
            extra = {"mm_token_type_ids": types}
            try:
                logits = peft(input_ids=seq, pixel_values=pixels, image_grid_thw=grid, use_cache=False, **extra).logits[0].float()
            except (TypeError, ValueError):
                logits = peft(input_ids=seq, pixel_values=pixels, image_grid_thw=grid, use_cache=False).logits[0].float()
            h.remove()
            loss = torch.nn.functional.cross_entropy(logits[:-1], labels[0, 1:], ignore_index=-100) + head(merged["x"].float().mean(0))[0] ** 2
            loss.backward()
            torch.nn.utils.clip_grad_norm_([p for p in peft.parameters() if p.requires_grad], 1.0)
            opt.step()

        s = best(step, 2)
        say(name, "lora train step", tokens=n, patches=pixels.shape[0], s=round(s, 4))


for spec in a.what.split():
    name, what = spec.split(":")
    try:
        measure(name, what.split(","))
    except Exception as e:  # the other one may still be measured
        import traceback

        traceback.print_exc()
        print(json.dumps(dict(peer="torch", dtype=name, what="error", error=str(e)[:500])), flush=True)
    if on_gpu:
        torch.cuda.empty_cache()
