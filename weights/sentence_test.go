package weights

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseSentenceModules(t *testing.T) {
	got, err := ParseSentenceModules("m.json", []byte(`[{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
		{"idx": 1, "path": "1_Pooling", "type": "sentence_transformers.sentence_transformer.modules.pooling.Pooling"},
		{"path": "2_Dense", "type": "sentence_transformers.models.Dense"}, {"idx": 3, "path": "3_Normalize", "type": "sentence_transformers.models.Normalize"}]`))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]SentenceModule{{"Transformer", ""}, {"Pooling", "1_Pooling"}, {"Dense", "2_Dense"}, {"Normalize", "3_Normalize"}}, got); d != "" {
		t.Error(d)
	}
	for doc, want := range map[string]string{
		`[]`: "modules has 0 items",
		`[{"type": "sentence_transformers.models.Pooling"}, {"type": "sentence_transformers.models.Pooling"}]`:                     "module 0: type",
		`[{"type": "sentence_transformers.models.Transformer"}, {"type": "sentence_transformers.models.Normalize"}]`:               "module 1: type",
		`[{"type": "sentence_transformers.models.Transformer"}, {"idx": 2, "type": "sentence_transformers.models.Pooling"}]`:       "out of order",
		`[{"type": "Transformer"}, {"type": "sentence_transformers.models.Pooling"}]`:                                              "module 0: type",
		`[{"type": "sentence_transformers.models.Transformer"}, {"path": "/etc", "type": "sentence_transformers.models.Pooling"}]`: "path",
		`[1, 2]`: "holds a number",
		`{}`:     "is an object, not an array",
		`[{"type": "sentence_transformers.models.Transformer"}, {"type": "sentence_transformers.models.Pooling"}], "more": 1`: "more",
		`[`: "m.json",
	} {
		_, err := ParseSentenceModules("m.json", []byte(doc))
		wantError(t, err, "m.json", want)
	}
}

func TestParsePooling(t *testing.T) {
	for doc, want := range map[string]PoolingConfig{
		`{"embedding_dimension": 8, "pooling_mode": "max", "include_prompt": false}`:                                               {8, []string{"max"}, false},
		`{"embedding_dimension": 8, "pooling_mode": ["mean", "cls"]}`:                                                              {8, []string{"mean", "cls"}, true},
		`{"word_embedding_dimension": 8}`:                                                                                          {8, []string{"mean"}, true},
		`{"word_embedding_dimension": 8, "pooling_mode_mean_tokens": true, "pooling_mode_cls_token": true}`:                        {8, []string{"cls", "mean"}, true},
		`{"word_embedding_dimension": 8, "pooling_mode": "cls", "pooling_mode_mean_tokens": true, "pooling_mode_lasttoken": true}`: {8, []string{"cls"}, true},
	} {
		got, err := ParsePooling("p.json", []byte(doc))
		if err != nil {
			t.Errorf("%s: %v", doc, err)
			continue
		}
		if d := cmp.Diff(&want, got); d != "" {
			t.Errorf("%s: %s", doc, d)
		}
	}
	for doc, want := range map[string]string{
		`{"pooling_mode": "mean"}`:                              "embedding_dimension is missing",
		`{"embedding_dimension": 8, "pooling_mode": 3}`:         "pooling_mode is a number",
		`{"embedding_dimension": 8, "pooling_mode": []}`:        "pooling_mode has 0 items",
		`{"embedding_dimension": 8, "pooling_mode": ["x"]}`:     "mean, cls and max",
		`{"embedding_dimension": 8, "pooling_weight": "x"}`:     "pooling_weight",
		`{"embedding_dimension": 8, "include_prompt": "never"}`: "include_prompt",
	} {
		_, err := ParsePooling("p.json", []byte(doc))
		wantError(t, err, "p.json", want)
	}
}

// FuzzSentenceEncoder: no file of a sentence encoder makes its parser panic, or pass values that cannot be built.
func FuzzSentenceEncoder(f *testing.F) {
	for _, s := range []string{
		`{"model_type": "bert", "hidden_act": "gelu", "vocab_size": 9, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8, "max_position_embeddings": 8}`,
		`[{"idx": 0, "path": "", "type": "sentence_transformers.models.Transformer"}, {"path": "1", "type": "sentence_transformers.models.Pooling"}]`,
		`{"embedding_dimension": 8, "pooling_mode": ["mean"]}`, `{"in_features": 8, "out_features": 4}`, `{"max_seq_length": 12, "do_lower_case": true}`,
		`{"prompts": {"a": "b"}, "default_prompt_name": "a"}`, `{"module_input_name": "sentence_embedding"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := ParseBert("f", data); err == nil && (c.Heads < 1 || c.HiddenSize%c.Heads != 0 || c.MaxPositions < 3 || c.VocabSize < 1) {
			t.Errorf("%+v", c)
		}
		if m, err := ParseSentenceModules("f", data); err == nil && (len(m) < 2 || m[0].Kind != "Transformer" || m[1].Kind != "Pooling") {
			t.Errorf("%+v", m)
		}
		if p, err := ParsePooling("f", data); err == nil && (p.Width < 1 || len(p.Modes) == 0) {
			t.Errorf("%+v", p)
		}
		if d, err := ParseDense("f", data); err == nil && (d.In < 1 || d.Out < 1) {
			t.Errorf("%+v", d)
		}
		_, _ = ParseSentenceBert("f", data)
		_, _ = ParseSentenceSettings("f", data)
		_ = ParseNormalize("f", data)
	})
}
