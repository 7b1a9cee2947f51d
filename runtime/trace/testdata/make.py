#!/usr/bin/env python3
"""Computes with Hugging Face transformers, PyTorch's autograd and NumPy what runtime/trace/attribution and runtime/trace/lens compute in Go.

    pip install torch transformers safetensors tokenizers pillow numpy
    python3 make.py

It reads the checkpoint and the pictures of ../../testdata/golden and writes beside itself: head/ (a linear score head), attribution.safetensors, blocks.safetensors and lens.safetensors.
Products over layers are whole matrices here, where the Go code carries one row through them; gradients of attention come from autograd on the reference model.
Maps are stored in raster order, frame after frame, images before videos. Every reduction is in float64.
"""
import json, os
import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from tokenizers import Tokenizer
from transformers import Qwen2VLForConditionalGeneration
from transformers.models.qwen2_vl import modeling_qwen2_vl as M

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(HERE, "..", "..", "testdata", "golden")
GENERIC = "Write a general description of the image."
STEPS, CURVE = 8, 6
torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)

config = json.load(open(f"{GOLDEN}/model/preprocessor_config.json"))
MEAN, STD = np.float32(config["image_mean"]), np.float32(config["image_std"])
model, info = Qwen2VLForConditionalGeneration.from_pretrained(f"{GOLDEN}/model", dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
assert not any(info[k] for k in ("missing_keys", "unexpected_keys", "mismatched_keys")), info
model.eval()
for p in model.parameters():
    p.requires_grad_(False)
V, L = model.model.visual, model.model.language_model
BLOCKS, LAYERS = len(V.blocks), len(L.layers)
tok = Tokenizer.from_file(f"{GOLDEN}/model/tokenizer.json")
SPECIAL = {v["content"]: int(k) for k, v in json.load(open(f"{GOLDEN}/model/tokenizer_config.json"))["added_tokens_decoder"].items()}
HIDDEN = model.config.text_config.hidden_size

head = torch.nn.Linear(HIDDEN, 2)
with torch.no_grad():  # numbers of no meaning, with many bits each
    i = torch.arange(2 * HIDDEN, dtype=torch.float64)
    head.weight.copy_((0.3 * torch.sin(i * i + 1)).view(2, HIDDEN))
    head.bias.copy_(torch.tensor([0.1, -0.2]))
head.requires_grad_(False)
TARGETS = [dict(name="score", mean=52, std=21, min=1, max=100), dict(name="color", mean=47, std=13, min=1, max=100)]


def encode(text):
    import re
    out = []
    for part in re.split("(" + "|".join(re.escape(t) for t in SPECIAL) + ")", text):
        if part in SPECIAL:
            out.append(SPECIAL[part])
        elif part:
            out += tok.encode(part, add_special_tokens=False).ids
    return out


def patches(frames):
    """(n, h, w, 3) bytes to patches in the model's order; one picture stands for two frames."""
    x = (frames.astype(np.float32) / np.float32(255) - MEAN) / STD
    if len(x) % 2:
        x = np.concatenate([x, x[-1:]])
    n, h, w, _ = x.shape
    t, gh, gw = n // 2, h // 14, w // 14
    p = x.transpose(0, 3, 1, 2).reshape(t, 2, 3, gh // 2, 2, 14, gw // 2, 2, 14).transpose(0, 3, 6, 4, 7, 2, 1, 5, 8)
    return torch.from_numpy(np.ascontiguousarray(p.reshape(t * gh * gw, -1))), (t, gh, gw)


class Case:
    def __init__(self, name, prompt=None):
        c = json.load(open(f"{GOLDEN}/cases/{name}.json", encoding="utf-8"))
        ids = encode(prompt or c["prompt"])
        self.pixels, self.grids = {}, {}
        images = [patches(np.asarray(Image.open(f"{GOLDEN}/pictures/{f}").convert("RGB"))[None]) for f in c["images"]]
        if images:
            self.pixels["pixel_values"] = torch.cat([p for p, _ in images])
            self.grids["image_grid_thw"] = torch.tensor([g for _, g in images])
        if c["video_frames"]:
            p, g = patches(np.load(f"{GOLDEN}/cases/video_frames.npy")[: c["video_frames"]])
            self.pixels["pixel_values_videos"], self.grids["video_grid_thw"] = p, torch.tensor([g])
        counts = {k: iter((g.prod(-1) // 4).tolist()) for k, g in self.grids.items()}
        it, vt = SPECIAL["<|image_pad|>"], SPECIAL["<|video_pad|>"]
        full = []
        for t in ids:
            full += [t] * (next(counts["image_grid_thw"]) if t == it else next(counts["video_grid_thw"]) if t == vt else 1)
        self.ids = torch.tensor([full])
        self.kinds = ((self.ids == it).int() + 2 * (self.ids == vt).int())
        self.at = [torch.nonzero(self.kinds[0] == k + 1)[:, 0] for k, g in enumerate(("image_grid_thw", "video_grid_thw")) if g in self.grids]
        self.runs = list(self.pixels)  # the passes of the vision tower, in order

    def forward(self, pixels=None, grad=False):
        """Runs the model; records the taps that the maps are made of, with their gradients to come."""
        pixels = pixels or self.pixels
        leaf = {k: v.clone().requires_grad_(grad) for k, v in pixels.items()}
        rec = dict(dec=[None] * LAYERS, vit=[[[] for _ in range(BLOCKS)] for _ in self.runs], lnq=[], merged=[], blocks=[[None] * BLOCKS for _ in self.runs], pixels=leaf)
        vit, dec = {id(b.attn): n for n, b in enumerate(V.blocks)}, {id(b.self_attn): n for n, b in enumerate(L.layers)}
        run = [-1]

        def keep(x):
            if x.requires_grad:
                x.retain_grad()
            return x
        hooks = [V.register_forward_pre_hook(lambda m, a, k: run.__setitem__(0, run[0] + 1), with_kwargs=True),
                 V.merger.ln_q.register_forward_hook(lambda m, a, o: rec["lnq"].append(keep(o))),
                 V.merger.register_forward_hook(lambda m, a, o: rec["merged"].append(keep(o))),
                 L.norm.register_forward_hook(lambda m, a, o: rec.update(norm=keep(o)))]
        hooks += [b.register_forward_hook(lambda m, a, o, n=n: rec["blocks"][run[0]].__setitem__(n, keep(o))) for n, b in enumerate(V.blocks)]
        real = M.eager_attention_forward

        def attend(module, *a, **k):
            out, probs = real(module, *a, **k)
            keep(probs)
            if id(module) in vit:
                rec["vit"][run[0]][vit[id(module)]].append(probs)
            else:
                rec["dec"][dec[id(module)]] = probs
            return out, probs
        M.eager_attention_forward = attend
        inp = dict(input_ids=self.ids, attention_mask=torch.ones_like(self.ids), mm_token_type_ids=self.kinds, **leaf, **self.grids)
        pos, _ = model.model.get_rope_index(self.ids, self.kinds, self.grids.get("image_grid_thw"), self.grids.get("video_grid_thw"), inp["attention_mask"])
        with torch.set_grad_enabled(grad):
            rec["logits"] = model(**inp, position_ids=pos, use_cache=False).logits[0]
            rec["score"], rec["normed"] = (head(x.mean(0)) * torch.tensor([t["std"] for t in TARGETS]) + torch.tensor([t["mean"] for t in TARGETS]).float() for x in (torch.cat(rec["merged"]), rec["norm"][0]))
        M.eager_attention_forward = real
        for h in hooks:
            h.remove()
        return rec

    def value(self, target, pixels=None, grad=False):
        rec = self.forward(pixels, grad)
        return (rec[target][0] if target in ("score", "normed") else rec["logits"][-1, target]), rec

    def raster(self, values, side):
        """Lists of one value a cell in the model's order, one list a pass, to raster order."""
        out = []
        for v, g in zip(values, self.grids.values()):
            v, at = np.asarray(v, np.float64), 0
            for t, h, w in g.tolist():
                h, w = h // side, w // side
                x = v[at:at + t * h * w]
                at += t * h * w
                out.append(x if side == 2 else x.reshape(t, h // 2, w // 2, 2, 2).transpose(0, 1, 3, 2, 4).reshape(-1))
        return torch.from_numpy(np.ascontiguousarray(np.concatenate(out)))

    def pictures(self, r):
        return [r[a.numpy()] for a in self.at]


num = lambda x: x.detach().double().numpy()


def block_diagonal(mats):
    n = sum(len(m) for m in mats)
    out, at = np.zeros((n, n)), 0
    for m in mats:
        out[at:at + len(m), at:at + len(m)] = m
        at += len(m)
    return out


def chain(mats, step):
    """The product of step(A) over layers, the last on the left: rows are where it is read."""
    r = np.eye(len(mats[0]))
    for a in mats:
        r = step(a) @ r
    return r


def relevance(case, target):
    y, rec = case.value(target, grad=True)
    y.backward()
    pos = lambda a: np.maximum(num(a) * num(a.grad), 0).squeeze(0).mean(0) if a.dim() == 4 else np.maximum(num(a) * num(a.grad), 0).mean(0)
    plus = lambda w: np.eye(len(w)) + w
    values = []
    if target != "score":
        through = chain([pos(a) for a in rec["dec"]], plus)
        row = np.maximum((num(rec["norm"]) * num(rec["norm"].grad)).sum(-1), 0)[0] @ through if target == "normed" else through[-1]
    for n in range(len(case.runs)):
        lnq, merged = rec["lnq"][n], rec["merged"][n]
        tokens = np.maximum((num(merged) * num(merged.grad)).sum(-1), 0) if target == "score" else row[case.at[n].numpy()]
        w = np.maximum((num(lnq) * num(lnq.grad)).sum(-1), 0).reshape(-1, 4)
        share = np.where(w.sum(1, keepdims=True) > 0, w / np.maximum(w.sum(1, keepdims=True), 1e-300), 0.25)
        start = (tokens[:, None] * share).reshape(-1)
        values.append(start @ chain([block_diagonal([pos(a) for a in spans]) for spans in rec["vit"][n]], plus))
    return case.raster(values, 1)


def gradcam(case, target):
    y, rec = case.value(target, grad=True)
    y.backward()
    values = []
    for n, g in enumerate(case.grids.values()):
        x, d, at, of = num(rec["blocks"][n][-1]), num(rec["blocks"][n][-1].grad), 0, []
        for size in g.prod(-1).tolist():
            of.append(np.maximum(x[at:at + size] @ d[at:at + size].mean(0), 0))
            at += size
        values.append(np.concatenate(of))
    return case.raster(values, 1)


def blank(case):
    """Each picture's own mean color."""
    out = {}
    for (k, v), g in zip(case.pixels.items(), case.grids.values()):
        x, at = num(v).reshape(len(v), 3, -1).copy(), 0
        for size in g.prod(-1).tolist():
            x[at:at + size] = x[at:at + size].mean((0, 2))[None, :, None]
            at += size
        out[k] = torch.from_numpy(x.reshape(len(v), -1).astype(np.float32))
    return out


def integrated(case, target):
    base, sums = blank(case), {k: 0 for k in case.pixels}
    for s in range(STEPS):
        a = (s + 0.5) / STEPS
        y, rec = case.value(target, {k: base[k] + a * (v - base[k]) for k, v in case.pixels.items()}, grad=True)
        y.backward()
        for k, v in rec["pixels"].items():
            sums[k] = sums[k] + num(v.grad)
    return case.raster([((num(v) - num(base[k])) * sums[k] / STEPS).sum(-1) for k, v in case.pixels.items()], 1)


def occlusion(case, target):
    """Windows of one merged token."""
    base, values = blank(case), []
    whole = float(case.value(target)[0])
    for k, v in case.pixels.items():
        of = []
        for t in range(len(v) // 4):
            x = v.clone()
            x[4 * t:4 * t + 4] = base[k][4 * t:4 * t + 4]
            of.append(whole - float(case.value(target, dict(case.pixels, **{k: x}))[0]))
        values.append(of)
    return case.raster(values, 2)


def curves(case, target, raster):
    """Deletion and insertion of merged tokens in the order of a map of one image, given in raster order: for side 2 that is the model's."""
    (k, v), base = next(iter(case.pixels.items())), blank(case)
    order = np.argsort(-raster.numpy(), kind="stable")
    out = []
    for start, to in ((v, base[k]), (base[k], v)):
        x, done, ys = start.clone(), 0, []
        for s in range(CURVE + 1):
            while done < s * len(order) // CURVE:
                t = order[done]
                x[4 * t:4 * t + 4] = to[4 * t:4 * t + 4]
                done += 1
            ys.append(float(case.value(target, {k: x})[0]))
        out.append(torch.tensor(ys, dtype=torch.float64))
    return out


def attribution():
    out = {}
    for name in ("image", "two_images", "image_and_video"):
        case = Case(name)
        with torch.no_grad():
            rec = case.forward()
        token = int(rec["logits"][-1].argmax())
        out[f"{name}/token"] = torch.tensor([token])
        probs = [num(a[0]) for a in rec["dec"]]
        vit = [[block_diagonal([num(a).reshape(a.shape[-3:]).mean(0) for a in spans]) for spans in run] for run in rec["vit"]]
        raw = np.mean([a.mean(0)[-1] for a in probs], 0)
        out[f"{name}/raw"] = case.raster(case.pictures(raw), 2)
        out[f"{name}/raw elsewhere"] = torch.tensor([raw[case.kinds[0].numpy() == 0].sum()])
        out[f"{name}/raw layer 1 head 2 query -3"] = case.raster(case.pictures(probs[1][2][-3]), 2)
        patches = sum(len(a[0]) for a in vit)
        out[f"{name}/raw tower"] = case.raster([np.mean(run, 0).sum(0) / patches for run in vit], 1)
        half = lambda a: (a + np.eye(len(a))) / 2
        out[f"{name}/rollout"] = case.raster(case.pictures(chain([a.mean(0) for a in probs], half)[-1]), 2)
        out[f"{name}/rollout tower"] = case.raster([chain(run, half).sum(0) / patches for run in vit], 1)
        out[f"{name}/relevance logit"] = relevance(case, token)
        out[f"{name}/gradcam logit"] = gradcam(case, token)
        out[f"{name}/integrated logit"] = integrated(case, token)
        if name != "two_images":
            out[f"{name}/occlusion logit"] = occlusion(case, token)
        merged = num(torch.cat(rec["merged"]))
        w = num(head.weight)
        for i, t in enumerate(TARGETS):
            parts = merged @ w[i] * t["std"] / len(merged)
            cut = np.cumsum([len(m) for m in rec["merged"]])[:-1]
            out[f"{name}/contribution {t['name']}"] = case.raster(np.split(parts, cut), 2)
            out[f"{name}/total {t['name']}"] = rec["score"][i:i + 1].double()
        parts = num(rec["norm"])[0] @ w[0] * TARGETS[0]["std"] / len(case.ids[0])
        out[f"{name}/contribution normed"] = case.raster(case.pictures(parts), 2)
        out[f"{name}/total normed"] = rec["normed"][:1].double()
        out[f"{name}/relevance normed"] = relevance(case, "normed")
        if name != "image_and_video":
            out[f"{name}/relevance score"] = relevance(case, "score")
            out[f"{name}/gradcam score"] = gradcam(case, "score")
            out[f"{name}/integrated score"] = integrated(case, "score")
        if name == "image":
            out[f"{name}/occlusion score"] = occlusion(case, "score")
            text = json.load(open(f"{GOLDEN}/cases/{name}.json", encoding="utf-8"))["prompt"]
            assert text.count("Score this painting.") == 1
            other = Case(name, text.replace("Score this painting.", GENERIC))
            with torch.no_grad():
                plain = [num(a[0]).mean(0)[-1][other.at[0].numpy()] for a in other.forward()["dec"]]
            ratio = [a.mean(0)[-1][case.at[0].numpy()] / b for a, b in zip(probs, plain)]
            out[f"{name}/relative"] = case.raster([np.mean(ratio, 0)], 2)
            out[f"{name}/relative layer 1"] = case.raster([ratio[1]], 2)
            for target in ("score", token):
                d, i = curves(case, target, out[f"{name}/contribution score"])
                kind = "score" if target == "score" else "logit"
                out[f"{name}/deletion {kind}"], out[f"{name}/insertion {kind}"] = d, i
        print(name, "token", token, "score", float(rec["score"][0]))
    save_file(out, f"{HERE}/attribution.safetensors")


# A conversation whose pictures came in two turns, as the chat template renders it.
CHAT = ("<|im_start|>system\nYou judge paintings.<|im_end|>\n<|im_start|>user\nLook at <|vision_start|><|image_pad|><|vision_end|>.<|im_end|>\n<|im_start|>assistant\n"
        "The canvas holds warm light.<|im_end|>\n<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>And this one?<|im_end|>\n<|im_start|>assistant\n")
WIDE = 6  # of the hidden layer of a head that has one


def block_heads(width):
    """Heads on a block of the tower: their tensors by the names of score_head.safetensors, numbers of no meaning."""
    wave = lambda n, k: torch.sin(torch.arange(n, dtype=torch.float64) ** 2 + k).float()
    linear = {"score_head.weight": 0.3 * wave(2 * width, 2).view(2, width), "score_head.bias": torch.tensor([0.1, -0.2])}
    hidden = {"score_head.0.weight": 0.3 * wave(WIDE * width, 3).view(WIDE, width), "score_head.0.bias": 0.2 * wave(WIDE, 4),
              "score_head.1.weight": 0.5 * wave(2 * WIDE, 5).view(2, WIDE), "score_head.1.bias": torch.tensor([0.3, 0.05])}
    return dict(linear=linear, hidden=hidden)


def block_score(kind, tensors, pool, rows, i):
    """Target i of a head over the rows of a block."""
    x = rows.mean(0) if pool == "mean" else rows[-1]
    if kind == "hidden":
        x = torch.nn.functional.gelu(tensors["score_head.0.weight"] @ x + tensors["score_head.0.bias"])
    name = "score_head.1" if kind == "hidden" else "score_head"
    return (tensors[name + ".weight"] @ x + tensors[name + ".bias"])[i] * TARGETS[i]["std"] + TARGETS[i]["mean"]


def blocks():
    """Grad-CAM and relevance of scores that are read from a block of the tower, and relative attention at other tokens than the last."""
    out, width = {}, V.blocks[0].norm1.weight.shape[0]
    heads = block_heads(width)
    for kind, tensors in heads.items():
        out |= {f"{kind}/{k}": v for k, v in tensors.items()}
    pos = lambda a: np.maximum(num(a) * num(a.grad), 0).reshape(a.shape[-3:]).mean(0)
    for name in ("image", "two_images", "image_and_video", "chat"):
        case = Case("two_images", CHAT) if name == "chat" else Case(name)
        if name == "chat":
            out["chat/input_ids"] = case.ids[0]
        for block in range(BLOCKS):
            for kind, pool, i in (("linear", "mean", 0), ("linear", "last", 1), ("hidden", "mean", 1)):
                if kind == "hidden" and block != 1:
                    continue
                rec = case.forward(grad=True)
                rows = [run[block] for run in rec["blocks"]]
                y = block_score(kind, heads[kind], pool, torch.cat(rows), i)
                y.backward()
                of = f"{name}/{kind} {pool} block {block}"
                out[f"{of}/score"] = y.detach().double().view(1)
                relevant, cams = [], []
                for n, g in enumerate(case.grids.values()):
                    x, d = num(rows[n]), num(rows[n].grad)
                    start = np.maximum((x * d).sum(-1), 0)
                    if pool == "last":
                        start = np.zeros(len(x))
                        start[-1] = n == len(rows) - 1
                    relevant.append(start @ chain([block_diagonal([pos(a) for a in spans]) for spans in rec["vit"][n][: block + 1]], lambda w: np.eye(len(w)) + w))
                    at, cam = 0, []
                    for size in g.prod(-1).tolist():
                        cam.append(np.maximum(x[at:at + size] @ d[at:at + size].mean(0), 0))
                        at += size
                    cams.append(np.concatenate(cam))
                out[f"{of}/relevance"], out[f"{of}/gradcam"] = case.raster(relevant, 1), case.raster(cams, 1)
        print(name, "heads on blocks")
    text = json.load(open(f"{GOLDEN}/cases/image.json", encoding="utf-8"))["prompt"]
    case, other = Case("image"), Case("image", text.replace("Score this painting.", GENERIC))
    with torch.no_grad():
        a, b = ([num(x[0]).mean(0) for x in c.forward()["dec"]] for c in (case, other))
    for query in (-2, -4):
        ratio = [x[query][case.at[0].numpy()] / y[query][other.at[0].numpy()] for x, y in zip(a, b)]
        out[f"relative query {query}"], out[f"relative query {query} layer 1"] = case.raster([np.mean(ratio, 0)], 2), case.raster([ratio[1]], 2)
    save_file({k: v.contiguous() for k, v in out.items()}, f"{HERE}/blocks.safetensors")


def lens():
    """The decoder's and the tower's residual streams of the case image, and what can be read off them."""
    case, out = Case("image"), {}
    res, heads, mlps, hooks = {}, {}, {}, []
    hooks.append(L.layers[0].register_forward_pre_hook(lambda m, a, k: res.update({0: (a[0] if a else k["hidden_states"])[0]}), with_kwargs=True))
    for n, b in enumerate(L.layers):
        hooks += [b.register_forward_hook(lambda m, a, o, n=n: res.__setitem__(n + 1, (o[0] if isinstance(o, tuple) else o)[0])),
                  b.self_attn.o_proj.register_forward_pre_hook(lambda m, a, n=n: heads.update({n: num(a[0])[0]})),
                  b.mlp.register_forward_hook(lambda m, a, o, n=n: mlps.__setitem__(n, num(o)[0]))]
    with torch.no_grad():
        rec = case.forward()
    for h in hooks:
        h.remove()
    rows = [int(case.at[0][5]), len(case.ids[0]) - 2, len(case.ids[0]) - 1]
    out["rows"] = torch.tensor(rows)
    with torch.no_grad():
        logits = torch.stack([model.lm_head(L.norm(res[n][rows])) for n in range(LAYERS + 1)])
    out["logit lens"] = logits.double()  # of the input and of each layer, (layers + 1, rows, vocabulary)
    # Direct logit attribution at the last position: the final norm's divisor is held fixed.
    token = int(rec["logits"][-1].argmax())
    x, norm = num(res[LAYERS])[-1], L.norm
    to = num(norm.weight) * num(model.lm_head.weight)[token] / np.sqrt((x * x).mean() + norm.variance_epsilon)
    parts, size = [num(res[0])[-1] @ to], HIDDEN // model.config.text_config.num_attention_heads
    for n, b in enumerate(L.layers):
        w = num(b.self_attn.o_proj.weight)
        parts += [heads[n][-1][h:h + size] @ w[:, h:h + size].T @ to for h in range(0, HIDDEN, size)] + [mlps[n][-1] @ to]
    out["token"], out["direct"], out["logit"] = torch.tensor([token]), torch.tensor(np.array(parts)), rec["logits"][-1, token].double().view(1)
    # Nearest words by cosine, of the merged tokens.
    e, v = num(L.embed_tokens.weight), num(rec["merged"][0])
    cosine = (v / np.linalg.norm(v, axis=1, keepdims=True)) @ (e / np.maximum(np.linalg.norm(e, axis=1, keepdims=True), 1e-300)).T
    best = np.argsort(-cosine, kind="stable", axis=1)[:, :3]
    out["nearest"], out["nearest cosine"] = torch.from_numpy(best), torch.from_numpy(np.take_along_axis(cosine, best, 1))
    # PCA by the singular value decomposition; the largest loading of a component is positive.
    b = num(rec["blocks"][0][-1])
    c = b - b.mean(0)
    _, s, vt = np.linalg.svd(c, full_matrices=False)
    vt = vt[:3] * np.sign(np.take_along_axis(vt[:3], np.abs(vt[:3]).argmax(1)[:, None], 1))
    out["pca"], out["pca share"] = torch.from_numpy(np.ascontiguousarray(c @ vt.T)), torch.from_numpy(s[:3] ** 2 / (s ** 2).sum())

    def cka(x, y):  # the form with Gram matrices: the other one than in Go
        h = lambda k: k - k.mean(0) - k.mean(1)[:, None] + k.mean()
        k, l = h(x @ x.T), h(y @ y.T)
        return (k * l).sum() / np.sqrt((k * k).sum() * (l * l).sum())
    d, t = [num(res[n + 1])[case.at[0].numpy()] for n in range(LAYERS)], [num(x) for x in rec["blocks"][0]]
    out["cka decoder"] = torch.tensor([[cka(x, y) for y in d] for x in d])
    out["cka tower"] = torch.tensor([[cka(x, y) for y in t] for x in t])
    save_file({k: v.contiguous() for k, v in out.items()}, f"{HERE}/lens.safetensors")


def main():
    os.makedirs(f"{HERE}/head", exist_ok=True)
    save_file({"score_head.weight": head.weight.data.clone(), "score_head.bias": head.bias.data.clone()}, f"{HERE}/head/score_head.safetensors")
    with open(f"{HERE}/head/score_head.json", "w") as f:
        json.dump(dict(version=1, input="visual.merger", pool="mean", hidden=[], targets=TARGETS), f, indent=1)
        f.write("\n")
    attribution()
    blocks()
    lens()


if __name__ == "__main__":
    main()
