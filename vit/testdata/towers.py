"""Makes the fixtures of TestTowerTheta and TestWindowedTower from transformers' own vision towers, in float32 with eager attention.

    python towers.py            # writes theta.safetensors and windows.safetensors beside itself

Each holds the tower's weights under their published names, pixels, and what the tower makes of them (want.*). Rows are in the
order of the pixels: what Qwen2.5-VL computes in the order of its windows is put back first. Made with transformers 5.24.0.
"""

import os

import torch
from safetensors.torch import save_file
from transformers.models.qwen2_5_vl import modeling_qwen2_5_vl as qwen2_5
from transformers.models.qwen2_5_vl.configuration_qwen2_5_vl import Qwen2_5_VLVisionConfig
from transformers.models.qwen2_vl import modeling_qwen2_vl as qwen2
from transformers.models.qwen2_vl.configuration_qwen2_vl import Qwen2VLVisionConfig
from transformers.vision_utils import get_vision_window_index

HERE = os.path.dirname(os.path.abspath(__file__))
GRIDS = torch.tensor([[1, 6, 10], [2, 4, 4]])  # a picture whose edge windows are smaller, and a video
ROPE = {"rope_type": "axial", "rope_theta": 500.0}  # not the class's 10000


def randomize(model, seed):
    """Weights at which attention looks somewhere and activations are neither small nor large."""
    g = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            r = torch.randn(p.shape, generator=g)
            if p.dim() == 1:
                p.copy_(1 + 0.1 * r if name.endswith("weight") else 0.2 * r)
            else:
                p.copy_(r * (1.4 if "qkv" in name else 0.8) / p[0].numel() ** 0.5)


def run(module, model, seed, order):
    """The tower's outputs by the names of loupe's taps. order puts the rows of a block back, None leaves them."""
    randomize(model, seed)
    g = torch.Generator().manual_seed(seed + 1)
    rows = int(GRIDS.prod(dim=1).sum())
    config = model.config
    pixels = torch.randn(rows, config.in_channels * config.temporal_patch_size * config.patch_size**2, generator=g)
    pixels.requires_grad_(True)
    out, block = {}, [0]

    def keep(name, back):
        def hook(_, __, result):
            result = result[0] if isinstance(result, tuple) else result
            out[name] = result[order] if back and order is not None else result

        return hook

    model.patch_embed.register_forward_hook(keep("visual.patch_embed", False))
    for i, b in enumerate(model.blocks):
        b.register_forward_hook(keep(f"visual.blocks.{i}.out", True))
        b.norm1.register_forward_hook(keep(f"visual.blocks.{i}.norm1", True))
        b.attn.register_forward_hook(keep(f"visual.blocks.{i}.attn.out", True))
        b.attn.register_forward_pre_hook(lambda *_, i=i: block.__setitem__(slice(None), [i, 0]))

    eager = module.eager_attention_forward

    def watched(*args, **kwargs):
        result, probs = eager(*args, **kwargs)
        i, j = block
        out[f"visual.blocks.{i}.attn.probs.{j}"] = probs[0]
        block[1] += 1
        return result, probs

    module.eager_attention_forward = watched
    merged = model(pixels, grid_thw=GRIDS).pooler_output
    module.eager_attention_forward = eager
    out["visual.merger"] = merged
    toward = torch.randn(merged.shape, generator=g)
    (merged * toward).sum().backward()

    tensors = {"visual." + name: p for name, p in model.named_parameters()}
    tensors |= {"want." + name: t for name, t in out.items()}
    tensors |= {"pixels": pixels, "grids": GRIDS, "toward": toward, "want.d/pixels": pixels.grad}
    for i in range(config.depth):
        tensors[f"want.d/visual.blocks.{i}.attn.qkv.weight"] = model.blocks[i].attn.qkv.weight.grad
    return {name: t.detach().contiguous().clone() for name, t in tensors.items()}


def theta():
    config = Qwen2VLVisionConfig(
        depth=2, embed_dim=16, hidden_size=12, num_heads=2, mlp_ratio=2, patch_size=2, hidden_act="quick_gelu", rope_parameters=dict(ROPE)
    )
    config._attn_implementation = "eager"
    model = qwen2.Qwen2VisionTransformerPretrainedModel(config)
    assert model.rotary_pos_emb.inv_freq[1] == 500.0**-0.5, "the base is not used"
    return run(qwen2, model, 1, None)


def windows():
    # A window of 8 pixels on a side is 2 x 2 merged cells, as 112 pixels are 4 x 4 of 28.
    config = Qwen2_5_VLVisionConfig(
        depth=3, hidden_size=16, out_hidden_size=12, intermediate_size=20, num_heads=2, patch_size=2, window_size=8,
        fullatt_block_indexes=[1], rope_parameters=dict(ROPE),
    )
    config._attn_implementation = "eager"
    model = qwen2_5.Qwen2_5_VisionTransformerPretrainedModel(config)
    index, bounds = get_vision_window_index(GRIDS, 2, config.window_size, config.patch_size)
    rows = (index[:, None] * 4 + torch.arange(4)).flatten()  # the row that stands at each place
    tensors = run(qwen2_5, model, 3, torch.argsort(rows))
    at = 0
    for j, n in enumerate(int(h * w) for t, h, w in GRIDS for _ in range(t)):  # whole frames, whose rows and columns are permuted too
        back = torch.argsort(rows[at : at + n])
        name, at = f"want.visual.blocks.1.attn.probs.{j}", at + n
        tensors[name] = tensors[name][:, back][:, :, back].contiguous()
    return tensors | {"want.order": rows, "want.bounds": bounds}


if __name__ == "__main__":
    for name, make in {"theta": theta, "windows": windows}.items():
        save_file(make(), os.path.join(HERE, name + ".safetensors"))
