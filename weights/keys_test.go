package weights

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// acceptedKeys are the keys of each file that the readers accept: those that they look at, and those that they know to change
// nothing, with the reason.
type acceptedKeys struct {
	Read  map[string][]string
	Inert map[string]map[string]string
}

// neutral is a generation_config.json with every key that must have one value.
func neutral(t *testing.T) string {
	data, err := json.Marshal(decodingKeys)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestAcceptedKeys: testdata/keys.json lists every key that the readers accept. runtime's TestEveryKey walks the list and shows
// that each changes the result, or nothing. A key that is new here belongs into both: LOUPE_UPDATE=1 writes the list.
func TestAcceptedKeys(t *testing.T) {
	type parse = func(data string) error
	of := func(f func(string, []byte) error) parse {
		return func(data string) error { return f("f", []byte(data)) }
	}
	config := of(func(file string, data []byte) error { _, err := ParseConfig(file, data); return err })
	const processor = `{"size": {"shortest_edge": 3136, "longest_edge": 9999}}`
	got := acceptedKeys{Read: map[string][]string{}, Inert: map[string]map[string]string{
		"config.json": configInert, "preprocessor_config.json": preprocessorInert, "generation_config.json": generationInert,
	}}
	for name, c := range map[string]struct {
		read parse
		docs []string
	}{
		"config.json, flat":        {config, []string{flat, string(with(t, flat, "rope_parameters", `{"rope_theta": 1e6}`))}},
		"config.json, nested":      {config, []string{nested}},
		"preprocessor_config.json": {of(func(file string, data []byte) error { _, err := Qwen2VL.ParsePreprocessor(file, data); return err }), []string{preprocessor, processor}},
		"video_preprocessor_config.json": {of(func(file string, data []byte) error { _, err := Qwen2VL.ParseVideoPreprocessor(file, data); return err }),
			[]string{preprocessor, processor}},
		"processor_config.json": {func(data string) error {
			_, err := Qwen2VL.ReadProcessors(fstest.MapFS{ProcessorName: {Data: []byte(data)}}, "")
			return err
		}, []string{`{"image_processor": {}, "video_processor": {}}`}},
		"generation_config.json": {of(func(file string, data []byte) error { _, err := ParseGeneration(file, data); return err }), []string{neutral(t)}},
		"score_head.json":        {of(func(file string, data []byte) error { _, err := ParseScoreHead(file, data); return err }), []string{head}},
		"adapter_config.json": {of(func(file string, data []byte) error { _, err := ParseAdapter(file, data); return err }),
			[]string{`{"peft_type": "LORA", "r": 4, "lora_alpha": 8, "target_modules": ["q_proj"]}`}},
	} {
		keys := map[string]bool{}
		var seen []*fields
		track = func(f *fields) { seen = append(seen, f) }
		for _, doc := range c.docs {
			seen = nil
			if err := c.read(doc); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			for _, f := range seen {
				for key := range f.read {
					keys[f.prefix+key] = true
				}
			}
		}
		track = nil
		if name == "adapter_config.json" {
			for _, key := range readKeys {
				keys[key] = true
			}
		}
		if name == "processor_config.json" { // what lies inside is walked as the files of its own
			for key := range keys {
				if key != "image_processor" && key != "video_processor" {
					delete(keys, key)
				}
			}
		}
		got.Read[name] = sortedKeys(keys)
	}
	for kind, keys := range got.Inert {
		for key, reason := range keys {
			if reason == "" {
				t.Errorf("%s: %s has no reason", kind, key)
			}
		}
	}
	file := filepath.Join("testdata", "keys.json")
	if os.Getenv("LOUPE_UPDATE") == "1" {
		data, err := json.MarshalIndent(got, "", " ")
		if err == nil {
			err = os.WriteFile(file, append(data, '\n'), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var want acceptedKeys
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("keys that testdata/keys.json does not have, or has too many (LOUPE_UPDATE=1 go test -run TestAcceptedKeys ./weights writes it; runtime's TestEveryKey then asks what they change): %s", d)
	}
}
