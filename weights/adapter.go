package weights

import (
	"fmt"
	"math"
	"os"
	"path/filepath"

	"github.com/loupe-vl/loupe/weights/disk"
)

// The file names of an adapter, as PEFT writes them. AdapterPickleName is that of weights which PEFT wrote with torch.save.
const (
	AdapterConfigName  = "adapter_config.json"
	AdapterWeightsName = "adapter_model.safetensors"
	AdapterPickleName  = "adapter_model.bin"
)

// AdapterConfig is what loupe reads of adapter_config.json: LoRA (Hu et al., arXiv 2106.09685; PEFT's LoraConfig) with DoRA (Liu
// et al., arXiv 2402.09353), modules that are saved whole, and biases.
type AdapterConfig struct {
	Rank    int
	Alpha   float64
	Dropout float64
	RSLoRA  bool // scale by alpha/sqrt(rank), not alpha/rank
	DoRA    bool // a magnitude for each output
	// Bias says which biases learned and are saved: "none", "all" of the model, or "lora_only", those beside a branch.
	Bias string

	TargetModules   []string // names or ends of names of modules that have a branch, sorted
	TargetPattern   string   // or the expression that their names match, or "all-linear"; "" for none
	ExcludeModules  []string // names or ends of names of modules that have none
	ExcludePattern  string
	Layers          []int    // that have branches, of a list of target modules; nil: all
	LayersPattern   []string // what stands before a layer's number; none: anything
	RankPattern     []ModulePattern
	AlphaPattern    []ModulePattern
	ModulesToSave   []string // ends of names of modules that are saved whole
	TieSavedWeights bool     // ensure_weight_tying: embed_tokens and lm_head of a tied model are adapted together
}

// ModulePattern is an entry of rank_pattern or alpha_pattern: a value for every module whose name ends with a match of the expression.
type ModulePattern struct {
	Pattern string
	Value   float64
	re      *pyPattern
}

// newModulePattern compiles the expression as PEFT's get_pattern_key has it.
func newModulePattern(pattern string, value float64) (ModulePattern, error) {
	re, err := pyEmbedded(`(.*\.)?(`, pattern, `)$`)
	return ModulePattern{pattern, value, re}, err
}

// patternOf is the value of the first pattern that matches the module's name.
func patternOf(patterns []ModulePattern, module string, otherwise float64) (float64, error) {
	for _, p := range patterns {
		if ok, err := p.re.matches(module); err != nil || ok {
			return p.Value, err
		}
	}
	return otherwise, nil
}

// scale is what a branch is multiplied by.
func (c *AdapterConfig) scale(rank int, alpha float64) float64 {
	if c.RSLoRA {
		return alpha / math.Sqrt(float64(rank))
	}
	return alpha / float64(rank)
}

// Scale is what a branch of the adapter's own rank and alpha is multiplied by.
func (c *AdapterConfig) Scale() float64 { return c.scale(c.Rank, c.Alpha) }

// ReadAdapter reads and checks an adapter_config.json. A key that changes what the adapter computes, and is not honored, is an
// error that names it.
func ReadAdapter(path string) (*AdapterConfig, error) {
	data, err := disk.Read(path, disk.JSONLimit)
	if err != nil {
		return nil, fmt.Errorf("read adapter: %w", err)
	}
	return ParseAdapter(path, data)
}

// ParseAdapter checks an adapter_config.json; file stands for it in errors.
func ParseAdapter(file string, data []byte) (*AdapterConfig, error) {
	obj, err := parseObject(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	f := newFields(file, obj)
	if kind, _ := obj["peft_type"].(string); kind != "LORA" {
		f.fail("peft_type", "is %.40q; only LORA is read. Merge the adapter into its base with PEFT and give that to loupe.Load", kind)
	}
	c := &AdapterConfig{
		Rank:            f.integer("r", 1, 1<<16),
		Alpha:           f.number("lora_alpha", -1e6, 1e6),
		Dropout:         f.numberOr("lora_dropout", 0, 1, 0),
		RSLoRA:          f.boolOr("use_rslora", false),
		DoRA:            f.boolOr("use_dora", false),
		Bias:            f.textOr("bias", "none", "none", "all", "lora_only"),
		TieSavedWeights: f.boolOr("ensure_weight_tying", false),
	}
	c.parseTargets(f)
	c.RankPattern = parsePatterns(f, data, "rank_pattern", func(s *fields, key string) float64 { return float64(s.integer(key, 1, 1<<16)) })
	c.AlphaPattern = parsePatterns(f, data, "alpha_pattern", func(s *fields, key string) float64 { return s.number(key, -1e6, 1e6) })
	c.checkInit(f)
	c.checkKeys(f)
	if *f.err != nil {
		return nil, *f.err
	}
	return c, nil
}

// parsePatterns reads rank_pattern or alpha_pattern in the order of the file.
func parsePatterns(f *fields, data []byte, key string, value func(s *fields, key string) float64) []ModulePattern {
	var out []ModulePattern
	s := f.scope(key)
	if len(s.obj) == 0 {
		return nil
	}
	for _, pattern := range memberOrder(data, key) {
		p, err := newModulePattern(pattern, value(s, pattern))
		if err != nil {
			f.fail(key, "has a %v", err)
		}
		out = append(out, p)
	}
	return out
}

// parseTargets reads which modules the adapter adapts.
func (c *AdapterConfig) parseTargets(f *fields) {
	c.TargetModules, c.TargetPattern = namesOrPattern(f, "target_modules")
	if len(c.TargetModules) == 0 && c.TargetPattern == "" {
		f.fail("target_modules", "names no module, and for Qwen2-VL PEFT has no default; list the modules that have a branch")
	}
	c.ExcludeModules, c.ExcludePattern = namesOrPattern(f, "exclude_modules")
	switch f.obj["layers_to_transform"].(type) {
	case nil:
	case []any:
		c.Layers = f.integers("layers_to_transform", 0, 1<<16, -1<<31, 1<<31-1)
	default:
		c.Layers = []int{f.integer("layers_to_transform", -1<<31, 1<<31-1)}
	}
	var pattern string
	if c.LayersPattern, pattern = namesOrPattern(f, "layers_pattern"); pattern != "" {
		c.LayersPattern = []string{pattern}
	}
	c.ModulesToSave, _ = namesOrPattern(f, "modules_to_save")
	if _, isText := f.obj["modules_to_save"].(string); isText {
		f.fail("modules_to_save", "is a string, not an array of names")
	}
	switch given := f.obj["layers_to_transform"] != nil; {
	case c.TargetPattern != "" && (given || len(c.LayersPattern) > 0):
		f.fail("layers_to_transform", "or layers_pattern is set, which PEFT takes only with a list of target_modules")
	case !given && len(c.LayersPattern) > 0:
		f.fail("layers_pattern", "is set without layers_to_transform, which PEFT refuses too")
	}
}

// namesOrPattern is a list of names, or one expression.
func namesOrPattern(f *fields, key string) (names []string, pattern string) {
	switch v := f.value(key).(type) {
	case nil:
	case string:
		return nil, v
	case []any:
		for _, x := range v {
			name, isText := x.(string)
			if !isText {
				f.fail(key, "holds %s, not names alone", kindOf(x))
			}
			names = append(names, name)
		}
	default:
		f.fail(key, "is %s; it must be an array of names or a string", kindOf(v))
	}
	return names, ""
}

// HasAdapter reports whether dir holds an adapter.
func HasAdapter(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, AdapterConfigName))
	return err == nil
}
