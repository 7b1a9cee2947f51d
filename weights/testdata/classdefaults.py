#!/usr/bin/env python3
"""Writes classdefaults.json: the defaults of transformers' classes for Qwen2-VL, by which TestClassDefaults checks configdefaults.go.

    python3 classdefaults.py > classdefaults.json        (with transformers 5.24 and torch)
"""
import inspect, json, re
import transformers
from transformers import Qwen2VLConfig, Qwen2VLImageProcessor, Qwen2VLVideoProcessor
from transformers.models.qwen2_vl import modeling_qwen2_vl

config = Qwen2VLConfig()
text, vision = config.text_config, config.vision_config
pick = lambda o, keys: {k: getattr(o, k) for k in keys.split()}
processor = lambda c: {"shortest_edge": c.size["shortest_edge"], "longest_edge": c.size["longest_edge"], "image_mean": list(c.image_mean), "image_std": list(c.image_std),
                       **pick(c, "patch_size temporal_patch_size merge_size do_resize do_rescale do_normalize do_convert_rgb rescale_factor"), "resample": int(c.resample)}
section = re.search(r'"mrope_section", (\[[\d, ]+\])', inspect.getsource(modeling_qwen2_vl)).group(1)
window = inspect.signature(type(text).__init__).parameters  # as declared: the instance drops sliding_window where it is not used
print(json.dumps({
    "transformers": transformers.__version__,
    "text": {**pick(text, "hidden_size intermediate_size num_hidden_layers num_attention_heads num_key_value_heads vocab_size max_position_embeddings rms_norm_eps hidden_act "
                    "use_sliding_window max_window_layers"), "sliding_window": window["sliding_window"].default, "rope_theta": text.rope_parameters["rope_theta"], "mrope_section": json.loads(section)},
    "vision": {**pick(vision, "depth embed_dim num_heads mlp_ratio hidden_size patch_size temporal_patch_size spatial_merge_size in_channels hidden_act"), "rope_theta": vision.rope_parameters["rope_theta"]},
    "tokens": pick(config, "image_token_id video_token_id vision_start_token_id vision_end_token_id tie_word_embeddings"),
    "image": processor(Qwen2VLImageProcessor()),
    "video": {**processor(Qwen2VLVideoProcessor()), **pick(Qwen2VLVideoProcessor(), "max_video_tokens do_sample_frames cap_pixels_per_frame")},
}, indent=1))
