#!/usr/bin/env python3
"""Asks PEFT which modules of a Qwen2-VL of two blocks and two layers an adapter's configuration names, and with what rank and scale.

    pip install torch transformers peft
    python make.py

It writes selections.json beside itself: for each configuration what PEFT makes of it, or null where PEFT refuses it. The expressions
are those that LLaMA-Factory, ms-swift, unsloth and axolotl write, and what people write by hand.
"""
import json, os, warnings
import torch
from peft import LoraConfig, get_peft_model
from peft.tuners.lora import LoraLayer
from peft.utils.other import ModulesToSaveWrapper
from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration

HERE = os.path.dirname(os.path.abspath(__file__))
warnings.filterwarnings("ignore")
torch.set_num_threads(1)

text = dict(hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1, vocab_size=40,
            rope_parameters={"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 1e6}, tie_word_embeddings=True)
vision = dict(depth=2, embed_dim=16, num_heads=2, mlp_ratio=2, hidden_size=16, patch_size=2)
LLM = "q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj"
CONFIGS = {
    "list": dict(target_modules=["q_proj", "v_proj"]),
    "list of whole names": dict(target_modules=["model.language_model.layers.0.self_attn.q_proj", "model.visual.merger.mlp.0"]),
    "names of before 4.52": dict(target_modules=["model.layers.0.self_attn.q_proj"]),
    "end that is no whole name": dict(target_modules=["_proj"]),
    "number as a name": dict(target_modules=["0"]),
    "merger's numbers": dict(target_modules=["mlp.0", "mlp.2"]),
    "proj": dict(target_modules=["proj"]),
    "all-linear": dict(target_modules="all-linear"),
    "All-Linear": dict(target_modules="All-Linear"),
    "all-linear but": dict(target_modules="all-linear", exclude_modules=".*visual.*"),
    "LLaMA-Factory, all, vision frozen": dict(target_modules=rf"^(?!.*(?:visual\.patch_embed|visual\.blocks|visual)).*(?:{LLM}).*"),
    "LLaMA-Factory, all": dict(target_modules=rf"^(?!.*patch_embed).*(?:{LLM}|qkv|fc1|fc2|proj).*"),
    "LLaMA-Factory, merger saved": dict(target_modules=rf"^(?!.*visual).*(?:{LLM}).*", modules_to_save=["merger"]),
    "LLaMA-Factory, without its caret": dict(target_modules=rf"(?!.*visual)(?:{LLM})"),
    "ms-swift": dict(target_modules=rf"^(model\.language_model(?=\.).*\.({LLM}))$"),
    "ms-swift, before 4.52": dict(target_modules=rf"^(model)(?!.*(lm_head|output|emb|wte|shared)).*"),
    "ms-swift, all towers": dict(target_modules=r"^(model\.language_model(?=\.).*\.(down_proj|q_proj)|model\.visual(?=\.)(?!\.(merger)).*\.(qkv|proj|fc1|fc2)|model\.visual\.merger(?=\.).*\.(0|2))$"),
    "unsloth": dict(target_modules=r"(?:.*?(?:vision|image|visual|patch|language|text).*?(?:self_attn|attention|attn|mlp|feed_forward|ffn|dense).*?(?:qkv|fc1|fc2|%s).*?)|(?:\bmodel\.layers\.[\d]{1,}\.(?:self_attn|attention|attn|mlp|feed_forward|ffn|dense)\.(?:(?:%s)))" % (LLM, LLM)),
    "unsloth, language alone": dict(target_modules=r"(?:.*?(?:language|text).*?(?:self_attn|attention|attn|mlp|feed_forward|ffn|dense).*?(?:%s).*?)|(?:\bmodel\.layers\.[\d]{1,}\.(?:self_attn|attention|attn|mlp|feed_forward|ffn|dense)\.(?:(?:%s)))" % (LLM, LLM)),
    "axolotl": dict(target_modules=r"model.language_model.layers.[\d]+.(mlp|cross_attn|self_attn).(up|down|gate|q|k|v|o)_proj"),
    "axolotl, before 4.52": dict(target_modules=r"model.layers.[\d]+.(mlp|cross_attn|self_attn).(up|down|gate|q|k|v|o)_proj"),
    "2U1, whole names without the head": dict(target_modules=[f"model.language_model.layers.{i}.mlp.up_proj" for i in range(2)] + [f"model.visual.blocks.{i}.attn.qkv" for i in range(2)]),
    "embedding and head": dict(target_modules=["embed_tokens", "lm_head", "q_proj"]),
    "patch embedding": dict(target_modules=["patch_embed.proj"]),
    "norm": dict(target_modules=["norm1", "q_proj"]),
    "container": dict(target_modules=["self_attn"]),
    "whole tower": dict(target_modules=".*visual.*"),
    "activation": dict(target_modules=["act_fn", "q_proj"]),
    "nothing": dict(target_modules=["query"]),
    "empty list": dict(target_modules=[]),
    "none": dict(target_modules=None),
    "excluded list": dict(target_modules=["q_proj", "v_proj"], exclude_modules=["1.self_attn.q_proj", "v_proj"]),
    "excluded end that is no whole name": dict(target_modules=["q_proj"], exclude_modules=["_proj", "proj"]),
    "excluded expression is a whole match": dict(target_modules=["q_proj"], exclude_modules="layers.0"),
    "excluded expression": dict(target_modules=["q_proj", "qkv"], exclude_modules=r".*\.0\..*"),
    "excluded all": dict(target_modules=["q_proj"], exclude_modules=["q_proj"]),
    "layer": dict(target_modules=["q_proj", "qkv"], layers_to_transform=1),
    "layers": dict(target_modules=["q_proj", "qkv"], layers_to_transform=[0, 7]),
    "layers, and a whole name": dict(target_modules=["q_proj", "model.language_model.layers.1.self_attn.v_proj"], layers_to_transform=[0]),
    "layers of one list": dict(target_modules=["q_proj", "qkv"], layers_to_transform=[0], layers_pattern="layers"),
    "layers of two lists": dict(target_modules=["q_proj", "qkv"], layers_to_transform=[0], layers_pattern=["blocks", "layers"]),
    "layers of an expression": dict(target_modules=["q_proj", "qkv"], layers_to_transform=[1], layers_pattern="(?:blocks|layers)"),
    "layers of nothing": dict(target_modules=["q_proj"], layers_to_transform=[1], layers_pattern="h"),
    "layers, and what is in none": dict(target_modules=["q_proj", "lm_head", "mlp.0"], layers_to_transform=[0, 1]),
    "no layers": dict(target_modules=["q_proj"], layers_to_transform=[]),
    "empty pattern of layers": dict(target_modules=["q_proj"], layers_to_transform=[0], layers_pattern=""),
    "pattern without layers": dict(target_modules=["q_proj"], layers_pattern="layers"),
    "layers of an expression's targets": dict(target_modules=".*q_proj", layers_to_transform=[0]),
    "saved norms": dict(target_modules=["q_proj"], modules_to_save=["norm"]),
    "saved end that is no whole name": dict(target_modules=["q_proj"], modules_to_save=["rm", "head"]),
    "saved merger": dict(target_modules=["q_proj", "mlp.0"], modules_to_save=["merger"]),
    "saved mlp of all": dict(target_modules=["q_proj", "up_proj", "fc1"], modules_to_save=["mlp"]),
    "saved and named": dict(target_modules=["q_proj", "v_proj"], modules_to_save=["v_proj"]),
    "saved both ends": dict(target_modules=["q_proj"], modules_to_save=["embed_tokens", "lm_head"]),
    "saved of a classifier": dict(target_modules=["q_proj"], modules_to_save=["classifier", "score"]),
    "saved nothing": dict(target_modules=["q_proj"], modules_to_save=[]),
    "ranks": dict(target_modules=["q_proj", "v_proj", "qkv"], rank_pattern={"q_proj": 3, "layers.0.self_attn.v_proj": 5, ".*visual.*": 2}),
    "ranks, the first wins": dict(target_modules=["q_proj"], rank_pattern={"q_proj": 3, "layers.0.self_attn.q_proj": 5}),
    "ranks, the first is narrow": dict(target_modules=["q_proj"], rank_pattern={"layers.0.self_attn.q_proj": 5, "q_proj": 3}),
    "ranks by part of a name": dict(target_modules=["q_proj"], rank_pattern={"proj": 5, "q_": 7, "^q_proj": 9}),
    "ranks from the beginning": dict(target_modules=["q_proj"], rank_pattern={"^model.language_model.layers.0.*": 5, "model.layers.1.self_attn.q_proj": 9}),
    "ranks of either": dict(target_modules=["q_proj", "k_proj", "v_proj"], rank_pattern={"q_proj|k_proj": 5}),
    "alphas": dict(target_modules=["q_proj", "v_proj"], alpha_pattern={r"(?!.*layers\.0\.).*q_proj": 64, r"(?<=self_attn\.)v_proj": 2.5}),
    "alphas of groups": dict(target_modules=["q_proj", "v_proj"], alpha_pattern={r"(?P<l>l)ayers.*(?P=l)f_attn.q_proj": 64, r".*(t)\1n.v_proj": 16}),
    "alphas, at most": dict(target_modules=["q_proj", "v_proj"], alpha_pattern={r"layers\.\d{,1}\.self_at{2,}n\.q_proj": 64, r"[^]x]+v_proj\Z": 3}),
    "alphas with flags": dict(target_modules=["q_proj"], alpha_pattern={"(?i)Q_PROJ": 64}),
    "alphas with flags of a group": dict(target_modules=["q_proj"], alpha_pattern={"(?i:Q_PROJ)": 64}),
    "alphas that are no expression": dict(target_modules=["q_proj"], alpha_pattern={"(q_proj": 64}),
    "rslora": dict(target_modules=["q_proj", "v_proj"], use_rslora=True, rank_pattern={"q_proj": 9}),
    "flags first": dict(target_modules="(?i).*Q_PROJ"),
    "unknown escape": dict(target_modules=r".*\qproj"),
    "possessive": dict(target_modules=".*+q_proj"),
    "atomic": dict(target_modules="(?>.*self_attn)[.]q_proj"),
    "condition": dict(target_modules=r"(model\.visual)?(?(1).*qkv|.*q_proj)"),
}
out = {}
for name, config in CONFIGS.items():
    base = Qwen2VLForConditionalGeneration(Qwen2VLConfig(text_config=text, vision_config=vision, tie_word_embeddings=True))
    try:
        model = get_peft_model(base, LoraConfig(r=8, lora_alpha=32, **config))
    except Exception as e:
        print(f"{name}: {type(e).__name__}: {str(e)[:110]!r}")
        out[name] = dict(config=config, selected=None)
        continue
    branches, saved = {}, []
    for n, m in model.base_model.model.named_modules(remove_duplicate=False):
        if isinstance(m, LoraLayer):
            branches[n] = [m.r["default"], m.scaling["default"]]
        if isinstance(m, ModulesToSaveWrapper):
            saved += [n + ("." + k if k else "") for k, s in m.modules_to_save["default"].named_modules() if next(s.parameters(recurse=False), None) is not None]
    out[name] = dict(config=config, selected=dict(branches=branches, saved=sorted(set(saved))))
open(os.path.join(HERE, "selections.json"), "w").write("{\n" + ",\n".join(json.dumps(k) + ": " + json.dumps(v) for k, v in out.items()) + "\n}\n")
print(len(out), "configurations")
