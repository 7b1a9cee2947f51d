package weights

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// The file names of a sentence encoder, as sentence-transformers writes them.
const (
	SentenceModulesName  = "modules.json"
	SentenceSettingsName = "config_sentence_transformers.json"
	SentenceBertName     = "sentence_bert_config.json"
)

// SentenceModule is one step of a sentence encoder.
type SentenceModule struct {
	Kind string // "Transformer", "Pooling", "Dense" or "Normalize"
	Path string // its folder, "" for the encoder's own
}

// ParseSentenceModules checks a modules.json: a BERT first, then its pooling, then dense layers and normalizations in any
// order.
func ParseSentenceModules(file string, data []byte) ([]SentenceModule, error) {
	obj, err := parseObject(slices.Concat([]byte(`{"modules":`), data, []byte(`}`)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	f := newFields(file, obj)
	var out []SentenceModule
	for i, v := range f.list("modules", 2, 64) {
		m := &fields{file: file, prefix: fmt.Sprintf("module %d: ", i), err: f.err, notes: f.notes, read: map[string]bool{}}
		if m.obj, _ = v.(object); m.obj == nil {
			f.fail("modules", "holds %s, not objects", kindOf(v))
			break
		}
		kind, path := m.text("type"), m.textOr("path", "")
		if m.value("idx"); m.has("idx") && m.integer("idx", 0, 64) != i {
			m.fail("idx", "is not %d: the modules are out of order", i)
		}
		name := kind[strings.LastIndex(kind, ".")+1:]
		want := []string{"Dense", "Normalize"}
		if i < 2 {
			want = []string{"Transformer", "Pooling"}[i : i+1]
		}
		if !strings.HasPrefix(kind, "sentence_transformers.") || !slices.Contains(want, name) {
			m.fail("type", "is %.120q, and sentence_transformers' %s is what can be computed there: %s", kind, strings.Join(want, " or "), otherEncoder)
		}
		if path != "" && !filepath.IsLocal(path) {
			m.fail("path", "is %.120q; it must name a folder of the encoder", path)
		}
		out = append(out, SentenceModule{Kind: name, Path: path})
	}
	f.onlyRead() // what follows the list
	if *f.err != nil {
		return nil, *f.err
	}
	return out, nil
}

// ParseSentenceSettings checks a config_sentence_transformers.json and returns the prompt that goes before every text, ""
// for none.
func ParseSentenceSettings(file string, data []byte) (prompt string, err error) {
	obj, err := parseObject(data)
	if err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	f := newFields(file, obj)
	name := f.textOr("default_prompt_name", "")
	if name != "" {
		prompt = f.scope("prompts").text(name)
	}
	return prompt, *f.err
}

// SentenceBert is sentence_bert_config.json: what sentence-transformers sets beside the transformer's own files.
type SentenceBert struct {
	MaxSeqLength int  // tokens of the longest text; 0: the tokenizer's and the model's own limit
	LowerCase    bool // text is turned into lower case before the tokenizer sees it
}

// ParseSentenceBert checks a sentence_bert_config.json.
func ParseSentenceBert(file string, data []byte) (*SentenceBert, error) {
	obj, err := parseObject(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	f := newFields(file, obj)
	s := &SentenceBert{MaxSeqLength: f.integerOr("max_seq_length", 3, 1<<20, 0), LowerCase: f.boolOr("do_lower_case", false)}
	f.only("transformer_task", "feature-extraction", "feature-extraction")
	f.only("module_output_name", "token_embeddings", "token_embeddings")
	text := f.scope("modality_config").scope("text")
	text.only("method", "forward", "forward")
	text.only("method_output_name", "last_hidden_state", "last_hidden_state")
	f.value("unpad_inputs") // how it runs
	for _, key := range sortedKeys(f.obj) {
		if !f.read[key] && !inert(f.obj[key]) {
			f.fail(key, "is not known here, and may change the embeddings: %s", otherEncoder)
		}
	}
	if *f.err != nil {
		return nil, *f.err
	}
	return s, nil
}

// PoolingConfig is a pooling's config.json: how the rows of a text's tokens become one.
type PoolingConfig struct {
	Width         int      // of a token's row
	Modes         []string // "mean", "cls" (the first row) or "max"; the results of several stand one after the other
	IncludePrompt bool     // the prompt's tokens are pooled too
}

// legacyModes are the keys of older files in the order in which their results stand, with today's names.
var legacyModes = [][2]string{
	{"pooling_mode_cls_token", "cls"}, {"pooling_mode_max_tokens", "max"}, {"pooling_mode_mean_tokens", "mean"},
	{"pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens"}, {"pooling_mode_weightedmean_tokens", "weightedmean"}, {"pooling_mode_lasttoken", "lasttoken"},
}

// ParsePooling checks a pooling's config.json, of today's layout or the older one with a key for each mode.
func ParsePooling(file string, data []byte) (*PoolingConfig, error) {
	obj, err := parseObject(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	f := newFields(file, obj)
	width := "embedding_dimension"
	if f.has("word_embedding_dimension") {
		width = "word_embedding_dimension"
	}
	p := &PoolingConfig{Width: f.integer(width, 1, 1<<14), IncludePrompt: f.boolOr("include_prompt", true)}
	for _, m := range legacyModes {
		if f.boolOr(m[0], false) && !f.has("pooling_mode") {
			p.Modes = append(p.Modes, m[1])
		}
	}
	switch f.obj["pooling_mode"].(type) {
	case nil:
		if p.Modes == nil {
			p.Modes = []string{"mean"}
		}
	case []any:
		for _, v := range f.list("pooling_mode", 1, 6) {
			s, _ := v.(string)
			p.Modes = append(p.Modes, s)
		}
	default:
		p.Modes = []string{f.text("pooling_mode")}
	}
	f.read["pooling_mode"] = true
	for _, m := range p.Modes {
		if !slices.Contains([]string{"mean", "cls", "max"}, m) {
			f.fail("pooling_mode", "is %.80q; loupe pools by mean, cls and max: %s", m, otherEncoder)
		}
	}
	f.onlyRead()
	if *f.err != nil {
		return nil, *f.err
	}
	return p, nil
}

// DenseConfig is a dense layer's config.json.
type DenseConfig struct {
	In, Out    int
	Bias       bool
	Activation string // "Tanh", "Identity", "ReLU", "GELU" or "Sigmoid", of torch.nn
}

// ParseDense checks a dense layer's config.json.
func ParseDense(file string, data []byte) (*DenseConfig, error) {
	obj, err := parseObject(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	f := newFields(file, obj)
	d := &DenseConfig{In: f.integer("in_features", 1, 1<<16), Out: f.integer("out_features", 1, 1<<16), Bias: f.boolOr("bias", true)}
	full := f.textOr("activation_function", "torch.nn.modules.activation.Tanh")
	d.Activation = full[strings.LastIndex(full, ".")+1:]
	if known := []string{"Tanh", "Identity", "ReLU", "GELU", "Sigmoid"}; !strings.HasPrefix(full, "torch.nn.modules.") || !slices.Contains(known, d.Activation) {
		f.fail("activation_function", "is %.120q; of torch.nn.modules loupe knows %s: %s", full, strings.Join(known, ", "), otherEncoder)
	}
	f.only("module_input_name", "sentence_embedding", "sentence_embedding")
	f.only("module_output_name", "sentence_embedding", "sentence_embedding")
	if f.boolOr("use_residual", false) {
		f.fail("use_residual", "is true, which is not computed: %s", otherEncoder)
	}
	f.onlyRead()
	if *f.err != nil {
		return nil, *f.err
	}
	return d, nil
}

// ParseNormalize checks a normalization's config.json, which older encoders do not have.
func ParseNormalize(file string, data []byte) error {
	obj, err := parseObject(data)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	f := newFields(file, obj)
	f.only("module_input_name", "sentence_embedding", "sentence_embedding")
	f.only("module_output_name", "sentence_embedding", "sentence_embedding")
	f.onlyRead()
	return *f.err
}
