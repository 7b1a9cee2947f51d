package weights

import "fmt"

// BertConfig is config.json of a BERT encoder (Devlin et al., arXiv 1810.04805), as sentence encoders are.
type BertConfig struct {
	VocabSize        int
	HiddenSize       int
	Layers           int
	Heads            int
	IntermediateSize int
	MaxPositions     int // tokens of the longest text
	Types            int // rows of the table of segments
	LayerNormEps     float64
}

// otherEncoder ends the errors about encoders that are not computed here.
const otherEncoder = "take another encoder, such as all-MiniLM-L6-v2"

// ParseBert checks a config.json; file stands for it in errors. A key that changes the mathematics and is not known, or has
// a value other than the one that is computed, is an error.
func ParseBert(file string, data []byte) (*BertConfig, error) {
	obj, err := parseObject(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	f := newFields(file, obj)
	f.only("model_type", "", "bert")
	f.only("hidden_act", "", "gelu")
	f.only("position_embedding_type", "absolute", "absolute")
	if f.boolOr("is_decoder", false) {
		f.fail("is_decoder", "is true: a decoder is no sentence encoder; %s", otherEncoder)
	}
	const size = 1 << 20
	c := &BertConfig{
		VocabSize:        f.integer("vocab_size", 1, size),
		HiddenSize:       f.integer("hidden_size", 1, 1<<14),
		Layers:           f.integer("num_hidden_layers", 1, 256),
		Heads:            f.integer("num_attention_heads", 1, 1<<10),
		IntermediateSize: f.integer("intermediate_size", 1, 1<<16),
		MaxPositions:     f.integer("max_position_embeddings", 3, size),
		Types:            f.integerOr("type_vocab_size", 1, 1<<10, 2),
		LayerNormEps:     f.numberOr("layer_norm_eps", 0, 1, 1e-12),
	}
	f.read["attention_probs_dropout_prob"] = true // nothing is dropped outside training
	if *f.err == nil && c.HiddenSize%c.Heads != 0 {
		f.fail("hidden_size", "is %d, which %d heads cannot share equally", c.HiddenSize, c.Heads)
	}
	f.unknown()
	if *f.err != nil {
		return nil, *f.err
	}
	return c, nil
}

// only reads a string that can have one value here; absent, where it is not "", stands for a key that is not there.
func (f *fields) only(key, absent, want string) {
	have := absent
	if absent == "" || f.has(key) {
		have = f.text(key)
	}
	f.read[key] = true
	if have != want {
		f.fail(key, "is %.80q, and the sentence encoder computes %q only: %s", have, want, otherEncoder)
	}
}
