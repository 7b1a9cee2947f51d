#!/usr/bin/env python3
"""Makes adapters with PEFT on the checkpoint of ../golden, and what PEFT computes with them: float32, eager attention.

    pip install torch transformers peft safetensors "pillow==12.1.1"
    python make.py

It writes NAME/ (an adapter as PEFT saves it), logits.safetensors (of the last token of ../golden's case "image", by adapter) and
learning/NAME.safetensors beside itself; README.md says what they hold. Everything is seeded.
"""
import json, os, re, shutil, warnings
import torch
from PIL import Image
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import Qwen2VLForConditionalGeneration
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(HERE, "..", "golden")
torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)
warnings.filterwarnings("ignore")

case = load_file(os.path.join(GOLDEN, "cases", "image.safetensors"))
name = json.load(open(os.path.join(GOLDEN, "cases", "image.json")))["images"][0]
picture = Image.open(os.path.join(GOLDEN, "pictures", name.rsplit(".", 1)[0] + ".png")).convert("RGB")
processor = Qwen2VLImageProcessorPil.from_pretrained(os.path.join(GOLDEN, "model"))
pixels = processor(images=[picture], return_tensors="pt", do_resize=False)
assert torch.equal(pixels["image_grid_thw"], case["image_grid_thw"])
ids = case["input_ids"].reshape(1, -1)


def base():
    return Qwen2VLForConditionalGeneration.from_pretrained(os.path.join(GOLDEN, "model"), dtype=torch.float32, attn_implementation="eager").eval()


def inputs(model):
    image = model.config.image_token_id
    return dict(input_ids=ids, position_ids=case["position_ids"].reshape(3, 1, -1), pixel_values=pixels["pixel_values"].float(),
                image_grid_thw=pixels["image_grid_thw"], mm_token_type_ids=(ids == image).int(), use_cache=False)


def trained(seed, **config):
    """An adapter that has learned: all that can learn is moved by random numbers."""
    torch.manual_seed(seed)
    model = get_peft_model(base(), LoraConfig(**{"r": 2, "lora_alpha": 4, **config}))
    for n, p in model.named_parameters():
        if p.requires_grad:
            p.data += torch.randn(p.shape) * (0.2 * p.data.std() if "magnitude" in n or "modules_to_save" in n else 0.15)
    return model


def save(name, model, dtype=torch.float32, rename=None, config=None, **how):
    """Saves the adapter in a type of weights; rename changes the names of its tensors, config its configuration."""
    where = os.path.join(HERE, name)
    shutil.rmtree(where, ignore_errors=True)
    model.save_pretrained(where, **how)
    os.remove(os.path.join(where, "README.md"))
    file = os.path.join(where, "adapter_model.safetensors")
    save_file({(rename or (lambda k: k))(k): v.to(dtype).contiguous() for k, v in load_file(file).items()}, file, metadata={"format": "pt"})
    file = os.path.join(where, "adapter_config.json")
    c = json.load(open(file))
    c["base_model_name_or_path"] = "model"
    c["target_modules"] = sorted(c["target_modules"]) if isinstance(c["target_modules"], list) else c["target_modules"]
    c.update(config or {})
    json.dump(c, open(file, "w"), indent=1)


logits = {}


def logits_of(name, check=True):
    """What PEFT computes with the adapter as it lies on the disk."""
    model = PeftModel.from_pretrained(base(), os.path.join(HERE, name)).eval()
    with torch.no_grad():
        logits[name] = model(**inputs(model)).logits[0, -1].clone()
        plain = base()
        plain = plain(**inputs(plain)).logits[0, -1]
    change = float((logits[name] - plain).abs().max() / plain.abs().max())
    print(f"{name}: changes logits by {change:.3f} of the largest")
    assert not check or change > 0.02, name


def older(k):
    """The name of a tensor as transformers before 4.52 named modules."""
    return k.replace("model.language_model.", "model.").replace("model.model.visual.", "model.visual.")


def make(name, seed, dtype=torch.float32, rename=None, config=None, how=None, **lora):
    model = trained(seed, **lora)
    save(name, model, dtype, None, config, **(how or {}))
    logits_of(name)
    if rename: # PEFT 0.21 beside transformers 5 drops tensors of older names; what it computed with them when they were new is what they mean
        save(name, model, dtype, rename, config, **(how or {}))


f16, bf16 = torch.float16, torch.bfloat16
make("older-names", 1, f16, older, target_modules=["q_proj", "up_proj", "qkv"])
make("dora", 2, target_modules=["q_proj", "patch_embed.proj", "merger.mlp.2", "fc1"], use_dora=True, layers_to_transform=None)
make("dora-lm-head", 3, f16, target_modules=["lm_head", "k_proj"], use_dora=True, use_rslora=True, how=dict(save_embedding_layers=False))
make("convolution", 4, target_modules=["patch_embed.proj"])
make("saved-norms-and-merger", 5, bf16, target_modules=["v_proj"], modules_to_save=["norm", "merger.mlp.2", "ln_q"], bias="lora_only")
make("saved-lm-head", 6, bf16, target_modules=["v_proj"], modules_to_save=["lm_head"])
make("saved-embedding", 7, bf16, target_modules=["v_proj"], modules_to_save=["embed_tokens"])
make("saved-tied", 8, bf16, target_modules=["v_proj"], modules_to_save=["lm_head"], ensure_weight_tying=True)
make("bias-all", 9, target_modules=["o_proj", "fc2"], bias="all")
make("embedding", 10, bf16, target_modules=["embed_tokens", "v_proj"])
make("embedding-dora", 11, bf16, target_modules=["embed_tokens", "v_proj"], use_dora=True, how=dict(save_embedding_layers=False))
make("lm-head", 12, bf16, target_modules=["lm_head", "v_proj"], how=dict(save_embedding_layers=False))
make("tied-branches", 17, bf16, target_modules=["lm_head", "v_proj"], ensure_weight_tying=True, how=dict(save_embedding_layers=False))
make("bias-all-and-saved", 18, bf16, target_modules=["o_proj"], bias="all", modules_to_save=["ln_q", "layers.1.self_attn.v_proj"])
make("patterns", 13, target_modules=r"(?!.*layers\.1\.)(?:.*\.)?(?P<p>q_proj|down_proj|attn\.proj)", exclude_modules=r".*blocks\.2\..*",
     use_rslora=True, rank_pattern={r"layers\.\d+\.self_attn\.q_proj": 3, "q_proj": 1}, alpha_pattern={"attn.proj": 9, r"(?<=mlp\.)down_proj": 1.5})
make("layers", 14, target_modules=["q_proj", "qkv", "model.language_model.layers.1.mlp.up_proj"], layers_to_transform=[0, 2])
make("one-layer", 15, target_modules=["q_proj", "fc2"], layers_to_transform=2, layers_pattern=["nothing", "layers"])
make("all-linear", 16, f16, r=1, target_modules="all-linear", config=dict(target_modules="ALL-linear"))

# Learning: the loss of the last tokens, its gradients, and three steps of AdamW.
os.makedirs(os.path.join(HERE, "learning"), exist_ok=True)
LEARNED, STEPS, RATE, DECAY = 6, 3, 1e-2, 0.1


def learn(name, seed, **lora):
    save(name, trained(seed, **lora), save_embedding_layers=False)
    logits_of(name)
    model = PeftModel.from_pretrained(base(), os.path.join(HERE, name), is_trainable=True).eval()
    params = {re.sub(r"\.(modules_to_save\.)?default", "", n).replace("magnitude_vector.weight", "magnitude_vector"): p for n, p in model.named_parameters() if p.requires_grad}
    decays = lambda n: not n.endswith("bias") and "norm" not in n and "ln_q" not in n
    optimizer = torch.optim.AdamW([dict(params=[p for n, p in params.items() if decays(n) == d], weight_decay=DECAY * d) for d in (False, True)], lr=RATE)
    out, losses = {}, []
    for step in range(STEPS):
        optimizer.zero_grad()
        x = model(**inputs(model)).logits[0]
        loss = torch.nn.functional.cross_entropy(x[-1 - LEARNED:-1], ids[0, -LEARNED:])
        loss.backward()
        losses.append(loss.item())
        if step == 0:
            out.update({"grad." + n: p.grad.clone() for n, p in params.items()})
        optimizer.step()
    out.update({"after." + n: p.detach().clone() for n, p in params.items()})
    out["losses"] = torch.tensor(losses)
    save_file({k: v.contiguous() for k, v in out.items()}, os.path.join(HERE, "learning", name + ".safetensors"))
    print(name, losses)


learn("learn-dora", 21, target_modules=["layers.1.self_attn.q_proj", "layers.2.mlp.down_proj", "blocks.0.attn.qkv"], use_dora=True)
learn("learn-saved", 22, target_modules=["layers.0.self_attn.v_proj"], modules_to_save=["norm", "ln_q", "blocks.1.attn.proj", "layers.2.self_attn.q_proj"])
learn("learn-embedding", 23, target_modules=["embed_tokens", "layers.0.self_attn.v_proj"], use_dora=True)
save_file(logits, os.path.join(HERE, "logits.safetensors"))
