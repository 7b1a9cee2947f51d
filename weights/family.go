package weights

// Family is a model family as far as a model's files say it: the keys of its configuration with what stands for absent ones, what
// is refused, and the modules that a model of it has. What it computes is in packages vit and decoder, and joined with this by
// runtime/internal/family.
type Family struct {
	Name      string // as messages have it: "Qwen2-VL"
	ModelType string // model_type of config.json
	Class     string // of transformers, with its module: adapters name them
	Library   string

	textTypes, visionTypes []string // model_type inside text_config and vision_config
	// imageProcessors and videoProcessors are the names that their classes may have in the processors' files.
	imageProcessors, videoProcessors []string
	class                            *classValues
	// decoderKeys lie in text_config, or at the top level of a flat file; decoderOptions are those that may lie beside a
	// text_config that has no such key.
	decoderKeys, decoderOptions []string
	outKey                      string // of vision_config: the width of the merger's output

	text    func(m *Family, top, f *fields) TextConfig
	vision  func(m *Family, f *fields) VisionConfig
	modules func(c *Config) []Module
}

// families are those whose configuration can be read.
var families = []*Family{Qwen2VL}

// Families are those whose configuration can be read.
func Families() []*Family { return families }

// familyOf is the family of a model_type; nil where there is none.
func familyOf(modelType string) *Family {
	for _, m := range families {
		if m.ModelType == modelType {
			return m
		}
	}
	return nil
}

// modelTypes are the model_type that config.json may have.
func modelTypes() []string {
	var out []string
	for _, m := range families {
		out = append(out, m.ModelType)
	}
	return out
}

// Family is the family of the model. A configuration that was read has one.
func (c *Config) Family() *Family { return familyOf(c.ModelType) }

func (m *Family) readText(top, f *fields) TextConfig { return m.text(m, top, f) }

func (m *Family) readVision(f *fields) VisionConfig { return m.vision(m, f) }
