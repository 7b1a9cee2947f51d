package weights

import (
	"fmt"

	"github.com/loupe-vl/loupe/weights/disk"
)

// Generation is generation_config.json: how the publisher would have the model
// decode. A key that is absent leaves its part of decoding off.
type Generation struct {
	EosTokenIDs       []int   // any of them ends the text; nil where absent
	BosTokenID        int     // -1 where absent
	PadTokenID        int     // -1 where absent
	DoSample          bool    // false: greedy
	Temperature       float64 // 1 where absent
	TopP              float64 // 1, no limit, where absent
	TopK              int     // 0, no limit, where absent
	RepetitionPenalty float64 // 1, none, where absent
	MaxNewTokens      int     // 0, no limit, where absent
	Unknown           []string
}

// decodingKeys would change what is generated if they were obeyed; loupe does
// not, so a value other than the neutral one is an error.
var decodingKeys = map[string]float64{
	"num_beams": 1, "num_beam_groups": 1, "no_repeat_ngram_size": 0, "encoder_no_repeat_ngram_size": 0,
	"typical_p": 1, "min_p": 0, "epsilon_cutoff": 0, "eta_cutoff": 0, "penalty_alpha": 0, "min_length": 0, "min_new_tokens": 0,
	"encoder_repetition_penalty": 1, "guidance_scale": 1, "diversity_penalty": 0, "num_return_sequences": 1, "top_h": 1,
}

// forcingKeys hold lists or ids that force or forbid tokens: an error unless empty.
var forcingKeys = []string{
	"bad_words_ids", "force_words_ids", "suppress_tokens", "begin_suppress_tokens", "forced_bos_token_id", "forced_eos_token_id",
	"sequence_bias", "constraints", "exponential_decay_length_penalty", "stop_strings", "watermarking_config",
}

// ReadGeneration reads and checks a generation_config.json. The error of a file
// that does not exist is fs.ErrNotExist.
func ReadGeneration(path string) (*Generation, error) {
	data, err := disk.Read(path, disk.JSONLimit)
	if err != nil {
		return nil, fmt.Errorf("read generation config: %w", err)
	}
	return ParseGeneration(path, data)
}

// ParseGeneration checks a generation_config.json; file stands for it in errors.
func ParseGeneration(file string, data []byte) (*Generation, error) {
	obj, err := parseObject(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	f := newFields(file, obj)
	const ids = 1<<24 - 1
	g := &Generation{
		EosTokenIDs:       f.ids("eos_token_id", ids),
		BosTokenID:        f.integerOr("bos_token_id", 0, ids, -1),
		PadTokenID:        f.integerOr("pad_token_id", 0, ids, -1),
		DoSample:          f.boolOr("do_sample", false),
		Temperature:       f.numberOr("temperature", 0, 1e6, 1),
		TopP:              f.numberOr("top_p", 0, 1, 1),
		TopK:              f.integerOr("top_k", 0, 1<<24, 0),
		RepetitionPenalty: f.numberOr("repetition_penalty", 1e-3, 1e3, 1),
		MaxNewTokens:      f.integerOr("max_new_tokens", 0, 1<<24, 0),
	}
	for _, key := range sortedKeys(decodingKeys) {
		if neutral := decodingKeys[key]; f.has(key) {
			f.read[key] = true
			if x := f.number(key, -1e9, 1e9); *f.err == nil && x != neutral {
				f.fail(key, "is %g; loupe does not decode that way: remove it or set it to %g", x, neutral)
			}
		}
	}
	for _, key := range forcingKeys {
		if v := f.value(key); !inert(v) {
			f.fail(key, "forces or forbids tokens, which loupe does not do: remove it")
		}
	}
	for _, key := range sortedKeys(obj) {
		if !f.read[key] && !inert(obj[key]) && !generationHarmless(key) {
			g.Unknown = append(g.Unknown, key)
		}
	}
	if *f.err != nil {
		return nil, *f.err
	}
	return g, nil
}

// generationHarmless: where the file came from, how transformers runs, and
// limits that the caller's own replace.
func generationHarmless(key string) bool {
	switch key {
	case "transformers_version", "_from_model_config", "use_cache", "max_length", "chat_format", "output_scores", "attn_implementation",
		"output_logits", "output_attentions", "output_hidden_states", "return_dict_in_generate", "early_stopping", "length_penalty":
		return true
	}
	return false
}
