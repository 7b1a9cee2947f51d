package weights

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Generation is generation_config.json: how the publisher would have the model
// decode. A key that is absent leaves its part of decoding off.
type Generation struct {
	// EosTokenIDs are the tokens of which any ends the text. nil where the file
	// names none: transformers then goes on to the limit of tokens, whatever
	// config.json says.
	EosTokenIDs       []int
	BosTokenID        int     // -1 where absent
	PadTokenID        int     // -1 where absent
	DoSample          bool    // false: greedy
	Temperature       float64 // 1 where absent
	TopP              float64 // 1, no limit, where absent
	TopK              int     // 0, no limit, where absent
	MinP              float64 // 0, no limit, where absent
	RepetitionPenalty float64 // 1, none, where absent
	MaxNewTokens      int     // 0, no limit, where absent
	// File is where this was read from; "" for none.
	File string
	// Problem is what keeps text from being generated as the file says: a key
	// that loupe does not obey, or a value that cannot be. nil for none. The
	// model can be scored, traced and inspected all the same.
	Problem error
	Unknown []string
}

// PlainGeneration ends at any of eos and asks for nothing else.
func PlainGeneration(eos []int) *Generation {
	return &Generation{EosTokenIDs: eos, BosTokenID: -1, PadTokenID: -1, Temperature: 1, TopP: 1, RepetitionPenalty: 1}
}

// decodingKeys would change what is generated if they were obeyed; loupe does
// not, so a value other than the neutral one is a Problem.
var decodingKeys = map[string]float64{
	"num_beams": 1, "num_beam_groups": 1, "no_repeat_ngram_size": 0, "encoder_no_repeat_ngram_size": 0,
	"penalty_alpha": 0, "min_length": 0, "min_new_tokens": 0,
	"encoder_repetition_penalty": 1, "guidance_scale": 1, "diversity_penalty": 0, "num_return_sequences": 1,
}

// samplingKeys matter only where transformers samples by the file's own
// settings, which loupe does not: it is greedy, or samples by its flags.
var samplingKeys = []string{"typical_p", "epsilon_cutoff", "eta_cutoff", "top_h"}

// forcingKeys hold lists, ids or switches that force, forbid or stop at tokens:
// a Problem unless empty.
var forcingKeys = []string{
	"bad_words_ids", "force_words_ids", "suppress_tokens", "begin_suppress_tokens", "forced_bos_token_id", "forced_eos_token_id",
	"sequence_bias", "constraints", "exponential_decay_length_penalty", "stop_strings", "watermarking_config", "dola_layers",
	"forced_decoder_ids", "token_healing",
}

// ParseGeneration reads a generation_config.json; file stands for it in errors.
// Only a file that is no JSON object is an error here: what a key asks for is
// looked at when text is generated, by Problem.
func ParseGeneration(file string, data []byte) (*Generation, error) {
	obj, err := parseObject(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	f := newFields(file, obj)
	g := readGeneration(f)
	for _, key := range sortedKeys(obj) {
		if !f.read[key] && !inert(obj[key]) && generationInert[key] == "" {
			g.Unknown = append(g.Unknown, key)
		}
	}
	return g, nil
}

// GenerationOfConfig reads the decoding keys of a config.json, where older
// versions of transformers kept them. They count only for a model that has no
// generation_config.json; of two places the outer one holds.
func GenerationOfConfig(file string, data []byte) (*Generation, error) {
	obj, err := parseObject(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	all := object{}
	if text, ok := obj["text_config"].(object); ok {
		for key, v := range text {
			all[key] = v
		}
	}
	for key, v := range obj {
		if v != nil {
			all[key] = v
		}
	}
	return readGeneration(newFields(file, all)), nil
}

func readGeneration(f *fields) *Generation {
	const ids = 1<<24 - 1
	eos := f.ids("eos_token_id", ids)
	if *f.err != nil {
		eos = nil
	}
	g := &Generation{
		File:              f.file,
		EosTokenIDs:       eos,
		BosTokenID:        f.integerOr("bos_token_id", 0, ids, -1),
		PadTokenID:        f.integerOr("pad_token_id", -1, ids, -1),
		DoSample:          f.boolOr("do_sample", false),
		Temperature:       f.numberOr("temperature", 0, 1e9, 1),
		TopP:              f.numberOr("top_p", 0, 1, 1),
		TopK:              f.integerOr("top_k", 0, 1<<24, 0),
		MinP:              f.numberOr("min_p", 0, 1, 0),
		RepetitionPenalty: f.numberOr("repetition_penalty", LeastPenalty, MostPenalty, 1),
		MaxNewTokens:      f.integerOr("max_new_tokens", 0, 1<<24, 0),
	}
	for _, key := range sortedKeys(decodingKeys) {
		if neutral := decodingKeys[key]; f.has(key) {
			f.read[key] = true
			if x := f.number(key, -1e9, 1e9); *f.err == nil && x != neutral {
				f.fail(key, "is %g, which loupe cannot decode by: remove it or set it to %g", x, neutral)
			}
		}
	}
	for _, key := range samplingKeys {
		f.read[key] = true
	}
	for _, key := range forcingKeys {
		_, number := f.obj[key].(json.Number) // of forced_eos_token_id 0 is a token too
		if v := f.value(key); !inert(v) || number {
			f.fail(key, "forces, forbids or stops at tokens, which loupe does not do: remove it")
		}
	}
	g.Problem = *f.err
	return g
}

// LeastPenalty and MostPenalty bound a repetition penalty: outside them logits
// could stop being finite.
const (
	LeastPenalty = 1e-6
	MostPenalty  = 1e6
)

// generationInert are keys that change nothing that loupe decodes, with the reason.
var generationInert = withReasons(map[string]string{
	"where the file came from":                                        "transformers_version _from_model_config chat_format",
	"how transformers runs":                                           "use_cache attn_implementation output_scores output_logits output_attentions output_hidden_states return_dict_in_generate remove_invalid_values",
	"of beams, which are refused themselves":                          "early_stopping length_penalty",
	"the caller's own limit replaces it":                              "max_length",
	"no code reads it":                                                "max_window_size",
	"softmax is of logits or of logarithms alike":                     "renormalize_logits",
	"of sampling by the file's own settings, which loupe does not do": strings.Join(samplingKeys, " "),
})
