package weights

import "strings"

// Naming is how a version of transformers names the modules of Qwen2-VL, and an adapter that was made with it its tensors and
// patterns.
type Naming int

// The namings: of transformers 4.52 and later, model.language_model.layers and model.visual; of those before it, model.layers and
// visual, which are the canonical names; of wrappers that hold a whole causal language model, language_model.model.layers; and of
// Qwen2VLModel, which has no lm_head, language_model.layers.
const (
	Later Naming = iota
	Earlier
	Wrapped
	Headless
)

// Of is the name that a module with a canonical name has.
func (n Naming) Of(module string) string {
	switch {
	case n == Later && (module == "visual" || strings.HasPrefix(module, "visual.")):
		return "model." + module
	case n == Later && (module == "model" || strings.HasPrefix(module, "model.")):
		return "model.language_model" + strings.TrimPrefix(module, "model")
	case n == Headless && (module == "model" || strings.HasPrefix(module, "model.")):
		return "language_" + module
	case n == Wrapped && !strings.HasPrefix(module, "visual"):
		return "language_model." + module
	}
	return module
}

// namingOf is the naming that a module's stored name has; ok is false where all have it.
func namingOf(stored string) (n Naming, ok bool) {
	switch {
	case strings.HasPrefix(stored, "model.language_model."), strings.HasPrefix(stored, "model.visual."):
		return Later, true
	case strings.HasPrefix(stored, "language_model.model."), strings.HasPrefix(stored, "language_model.lm_head"):
		return Wrapped, true
	case strings.HasPrefix(stored, "language_model."):
		return Headless, true
	case strings.HasPrefix(stored, "model."), strings.HasPrefix(stored, "visual."):
		return Earlier, true
	}
	return Later, false
}

// ModuleName is the name in transformers 4.52 or later of a module with a canonical name.
func ModuleName(module string) string { return Later.Of(module) }

// The parts of a module that an adapter holds: the two halves of a branch beside a linear map or a convolution, those of a branch
// beside an embedding, DoRA's magnitudes, and the module's own weight and bias, which take the place of the base's.
const (
	PartA         = "lora_A"
	PartB         = "lora_B"
	PartEmbedA    = "lora_embedding_A"
	PartEmbedB    = "lora_embedding_B"
	PartMagnitude = "lora_magnitude_vector"
	PartWeight    = "weight"
	PartBias      = "bias"
	// PartOriginal begins the part that PEFT keeps of the base beside a module that is saved whole, and does not compute with.
	PartOriginal = "original_module."
)

// adapterPrefix begins the name of each tensor of an adapter.
const adapterPrefix = "base_model.model."

// AdapterTensor is what the name of an adapter's tensor says.
type AdapterTensor struct {
	Module string // canonical
	Part   string
	Naming Naming
	Known  bool // Naming is: the name is not the same in all
}

// ParseAdapterName reads the name of an adapter's tensor, "base_model.model.model.language_model.layers.0.mlp.up_proj.lora_A.weight".
// All namings of modules are read, PEFT's names of adapters (lora_A.default.weight), and the wrappers that PEFT puts around what
// is saved whole (base_layer, modules_to_save.default).
func ParseAdapterName(stored string) (t AdapterTensor, ok bool) {
	name, ok := strings.CutPrefix(stored, adapterPrefix)
	if !ok {
		return t, false
	}
	module := ""
	for _, end := range adapterEnds {
		if rest, is := strings.CutSuffix(name, end.suffix); is {
			module, t.Part = rest, end.part
			break
		}
	}
	if module == "" || strings.Contains(module, "lora_") {
		return t, false
	}
	if t.Part == PartWeight || t.Part == PartBias {
		for _, wrapper := range []string{".base_layer", ".modules_to_save.default", ".modules_to_save"} {
			module = strings.TrimSuffix(module, wrapper)
		}
		if rest, is := strings.CutSuffix(module, "."+strings.TrimSuffix(PartOriginal, ".")); is {
			module, t.Part = rest, PartOriginal+t.Part
		}
	}
	t.Naming, t.Known = namingOf(module)
	t.Module = strings.TrimSuffix(CanonicalName(module+"."), ".")
	return t, true
}

// adapterEnds are the ends of names of tensors; an end that another ends with comes after it.
var adapterEnds = func() (out []struct{ suffix, part string }) {
	add := func(part string, suffixes ...string) {
		for _, s := range suffixes {
			out = append(out, struct{ suffix, part string }{"." + part + s, part})
		}
	}
	add(PartA, ".default.weight", ".weight")
	add(PartB, ".default.weight", ".weight")
	add(PartEmbedA, ".default", "")
	add(PartEmbedB, ".default", "")
	add(PartMagnitude, ".default.weight", ".default", ".weight", "")
	add(PartWeight, "")
	add(PartBias, "")
	return out
}()

// AdapterName is the name that PEFT gives a part of a module with a canonical name, for a model of transformers 4.52 or later.
func AdapterName(module, part string) string { return Later.AdapterName(module, part) }

// AdapterName is the name that PEFT gives a part of a module with a canonical name.
func (n Naming) AdapterName(module, part string) string {
	name := adapterPrefix + n.Of(module) + "." + part
	if part == PartA || part == PartB {
		name += ".weight"
	}
	return name
}

// besideBranch is the name that PEFT gives the weight or bias of a module that has a branch.
func (n Naming) besideBranch(module, part string) string {
	return adapterPrefix + n.Of(module) + ".base_layer." + part
}

// BesideBranch is the name that PEFT gives the weight or bias of a module that has a branch, for a model of transformers 4.52 or
// later.
func BesideBranch(module, part string) string { return Later.besideBranch(module, part) }
