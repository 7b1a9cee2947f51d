"""python logits.py MODEL CASE.safetensors [ADAPTER]: loads a model, and with PEFT an adapter, as loupe wrote them, and compares
the logits of the case's prompt with loupe's in float32 and eager attention. It fails where they differ by more than 2e-4 of the largest."""
import sys

import torch
from safetensors.torch import load_file
from transformers import Qwen2VLForConditionalGeneration

model, report = Qwen2VLForConditionalGeneration.from_pretrained(sys.argv[1], dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
    left = [k for k in report[kind] if "lm_head" not in str(k)]
    assert not left, f"{kind}: {left}"
if len(sys.argv) > 3:
    from peft import PeftModel, get_peft_model_state_dict

    before = {k for k in load_file(sys.argv[3] + "/adapter_model.safetensors")}
    model = PeftModel.from_pretrained(model, sys.argv[3])
    there = set(get_peft_model_state_dict(model, save_embedding_layers=False))
    assert there == before, f"PEFT has {sorted(there ^ before)[:4]} that the file has not, or the other way"
case = load_file(sys.argv[2])
want = case.pop("logits")
image = model.config.image_token_id
with torch.no_grad():
    got = model.eval()(**case, mm_token_type_ids=(case["input_ids"] == image).int(), use_cache=False).logits[0]
worst = float((got - want).abs().max() / want.abs().max())
assert got.shape == want.shape and worst <= 2e-4, worst
print(f"{worst:.1e} of the largest logit")
