"""Makes the fixtures of TestLayerShapes from transformers' Llama, in float32 with eager attention.

    python layers.py            # writes biases.safetensors and plain.safetensors beside itself

Llama's layer is that of Qwen2-VL but for two numbers that its configuration has: the width of a head, which need not divide the
decoder's, and which maps of attention have biases: all of them, or none. Over text M-RoPE is plain rotary embedding. Each file holds
the weights under their published names, ids, and what the model makes of them (want.*). Made with transformers 5.24.0.
"""

import os

import torch
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM

HERE = os.path.dirname(os.path.abspath(__file__))


def make(bias, seed):
    config = LlamaConfig(
        hidden_size=20, intermediate_size=28, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=8, vocab_size=24,
        attention_bias=bias, rms_norm_eps=1e-6, tie_word_embeddings=False, rope_parameters={"rope_type": "default", "rope_theta": 500.0},
    )
    config._attn_implementation = "eager"
    model = LlamaForCausalLM(config)
    g = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            r = torch.randn(p.shape, generator=g)
            if p.dim() == 1:
                p.copy_(1 + 0.1 * r if name.endswith("norm.weight") else 0.3 * r)
            else:
                p.copy_(r * (1.6 if "q_proj" in name or "k_proj" in name else 0.9) / p[0].numel() ** 0.5)
    assert (model.model.layers[0].self_attn.o_proj.bias is not None) == bias
    ids = torch.randint(0, config.vocab_size, (1, 9), generator=g)
    out = {}
    for i, layer in enumerate(model.model.layers):
        layer.register_forward_hook(lambda _, __, y, i=i: out.__setitem__(f"model.layers.{i}.out", y[0] if isinstance(y, tuple) else y))
        layer.self_attn.register_forward_hook(lambda _, __, y, i=i: out.__setitem__(f"model.layers.{i}.self_attn.out", y[0]))
    logits = model(ids).logits
    out["lm_head"] = logits
    toward = torch.randn(logits[0].shape, generator=g)
    (logits[0] * toward).sum().backward()
    tensors = dict(model.named_parameters())
    tensors |= {"want." + name: t.reshape(ids.shape[1], -1) for name, t in out.items()}
    tensors |= {"want.d/" + name: p.grad for name, p in model.named_parameters() if "layers.0.self_attn" in name}
    tensors |= {"ids": ids, "toward": toward}
    return {name: t.detach().contiguous().clone() for name, t in tensors.items()}


if __name__ == "__main__":
    for name, bias in {"biases": True, "plain": False}.items():
        save_file(make(bias, 5), os.path.join(HERE, name + ".safetensors"))
        os.chmod(os.path.join(HERE, name + ".safetensors"), 0o644)
