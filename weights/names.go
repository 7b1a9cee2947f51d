package weights

import "strings"

// nameStyles lists the prefixes that a Qwen2-VL checkpoint's tensors carry in
// the wild, longest match first, and the published prefix that each stands for.
// transformers renames "visual" to "model.visual" and "model" to
// "model.language_model" from version 4.52 on (conversion_mapping.py); the
// "language_model.model" form is that of wrappers which hold a whole causal
// language model, and a bare "language_model" that of the headless Qwen2VLModel.
var nameStyles = [...]struct{ stored, canonical string }{
	{"model.language_model.", "model."},
	{"model.visual.", "visual."},
	{"language_model.model.", "model."},
	{"language_model.lm_head.", "lm_head."},
	{"language_model.", "model."},
}

// CanonicalName maps a tensor's stored name to the name that the published
// checkpoints use: visual.*, model.layers.*, model.embed_tokens.*,
// model.norm.*, lm_head.*, also where a wrapper of PyTorch's put its own name
// before it. Other names are returned as they are.
func CanonicalName(stored string) string {
	for _, wrapper := range [...]string{"module.", "_orig_mod."} { // DistributedDataParallel, torch.compile
		stored = strings.TrimPrefix(stored, wrapper)
	}
	for _, s := range nameStyles {
		if rest, ok := strings.CutPrefix(stored, s.stored); ok {
			return s.canonical + rest
		}
	}
	return stored
}
