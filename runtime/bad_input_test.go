package loupe_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/tokenizer"
	"github.com/loupe-vl/loupe/vit/picture"
)

// shardName is a shard of the committed checkpoint.
const shardName = "model-00001-of-00002.safetensors"

// broken copies the committed checkpoint and breaks the copy.
func broken(t *testing.T, breakIt func(t *testing.T, dir string)) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "model")
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "golden", "model"))); err != nil {
		t.Fatal(err)
	}
	breakIt(t, dir)
	return dir
}

// edit rewrites a file of the copy.
func edit(name string, f func(t *testing.T, data []byte) []byte) func(t *testing.T, dir string) {
	return func(t *testing.T, dir string) {
		path := filepath.Join(dir, name)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f(t, data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// editJSON rewrites an object of the copy.
func editJSON(name string, f func(object map[string]any)) func(t *testing.T, dir string) {
	return edit(name, func(t *testing.T, data []byte) []byte { return mapJSON(t, data, f) })
}

func mapJSON(t *testing.T, data []byte, f func(object map[string]any)) []byte {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal(data, &object); err != nil {
		t.Fatal(err)
	}
	f(object)
	out, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// editHeader rewrites the header of the shard, without touching its data.
func editHeader(f func(tensors map[string]any)) func(t *testing.T, dir string) {
	return editHeaderOf(shardName, f)
}

func editHeaderOf(name string, f func(tensors map[string]any)) func(t *testing.T, dir string) {
	return edit(name, func(t *testing.T, data []byte) []byte {
		n := binary.LittleEndian.Uint64(data)
		header := mapJSON(t, data[8:8+n], f)
		return append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), append(header, data[8+n:]...)...)
	})
}

// anyTensor is a tensor of the header, always the same, and its name.
func anyTensor(tensors map[string]any) (name string, tensor map[string]any) {
	for n := range tensors {
		if n != "__metadata__" && (name == "" || n < name) {
			name = n
		}
	}
	return name, tensors[name].(map[string]any)
}

func remove(name string) func(t *testing.T, dir string) {
	return func(t *testing.T, dir string) {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
}

func replace(name string) func(t *testing.T, dir string) {
	return func(t *testing.T, dir string) {
		remove(name)(t, dir)
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// TestBrokenModels: each is refused when it is loaded, by an error that names what is wrong.
func TestBrokenModels(t *testing.T) {
	vision := func(c map[string]any) map[string]any { return c["vision_config"].(map[string]any) }
	for _, c := range []struct {
		name    string
		breakIt func(t *testing.T, dir string)
		want    []string // parts of the error
	}{
		{"truncated weights", edit(shardName, func(_ *testing.T, d []byte) []byte { return d[:len(d)/2] }), []string{shardName}},
		{"empty weights", edit(shardName, func(*testing.T, []byte) []byte { return nil }), []string{shardName}},
		{"header longer than the file", edit(shardName, func(_ *testing.T, d []byte) []byte {
			return append(binary.LittleEndian.AppendUint64(nil, 1<<40), d[8:]...)
		}), []string{shardName, "header"}},
		{"header that is no JSON", edit(shardName, func(_ *testing.T, d []byte) []byte { return append(append(bytes.Clone(d[:8]), "{no"...), d[11:]...) }), []string{shardName}},
		{"overlapping offsets", editHeader(func(h map[string]any) {
			_, first := anyTensor(h)
			for name, v := range h {
				if tensor, ok := v.(map[string]any); ok && name != "__metadata__" && tensor["dtype"] == first["dtype"] {
					tensor["data_offsets"] = first["data_offsets"]
					tensor["shape"] = first["shape"]
				}
			}
		}), []string{shardName, "overlap"}},
		{"offsets past the end", editHeader(func(h map[string]any) {
			_, tensor := anyTensor(h)
			tensor["data_offsets"] = []int{0, 1 << 40}
		}), []string{shardName}},
		{"unknown type", editHeader(func(h map[string]any) {
			_, tensor := anyTensor(h)
			tensor["dtype"] = "Q7"
		}), []string{shardName, "Q7"}},
		{"missing tensor", editJSON("config.json", func(c map[string]any) { c["num_hidden_layers"] = 4 }), []string{"model.layers.3.", "missing"}},
		{"tensor too many", editJSON("config.json", func(c map[string]any) { c["num_hidden_layers"] = 2 }), []string{"model.layers.2."}},
		{"wrong shape", editJSON("config.json", func(c map[string]any) { c["intermediate_size"] = 161 }), []string{"mlp", "161", "160"}},
		{"missing shard", remove(shardName), []string{shardName}},
		{"directory for a shard", replace(shardName), []string{shardName}},
		{"index out of the directory", edit("model.safetensors.index.json", func(*testing.T, []byte) []byte {
			return []byte(`{"weight_map": {"model.norm.weight": "../../secret.safetensors"}}`)
		}), []string{"secret"}},
		{"no config", remove("config.json"), []string{"config.json"}},
		{"directory for a config", replace("config.json"), []string{"config.json"}},
		{"config that is no JSON", edit("config.json", func(*testing.T, []byte) []byte { return []byte("{") }), []string{"config.json"}},
		{"config without a vision part", editJSON("config.json", func(c map[string]any) { delete(c, "vision_config") }), []string{"config.json", "vision_config"}},
		{"unknown rope type", editJSON("config.json", func(c map[string]any) { c["rope_scaling"] = map[string]any{"type": "spiral"} }), []string{"config.json", "spiral"}},
		{"mrope sections of another width", editJSON("config.json", func(c map[string]any) {
			c["rope_scaling"] = map[string]any{"type": "mrope", "mrope_section": []int{1, 1, 1}}
		}), []string{"config.json", "mrope_section"}},
		{"unknown activation", editJSON("config.json", func(c map[string]any) { c["hidden_act"] = "magic" }), []string{"config.json", "magic"}},
		{"negative number of layers", editJSON("config.json", func(c map[string]any) { c["num_hidden_layers"] = -1 }), []string{"config.json", "num_hidden_layers"}},
		{"no heads", editJSON("config.json", func(c map[string]any) { vision(c)["num_heads"] = 0 }), []string{"config.json", "num_heads"}},
		{"unknown key of the mathematics", editJSON("config.json", func(c map[string]any) { c["attn_logit_softcapping"] = 30 }), []string{"config.json", "attn_logit_softcapping"}},
		{"no tokenizer", func(t *testing.T, dir string) {
			remove("tokenizer.json")(t, dir)
			remove("vocab.json")(t, dir)
		}, []string{"tokenizer.json"}},
		{"tokenizer that is no JSON", edit("tokenizer.json", func(*testing.T, []byte) []byte { return []byte("\xff\xfe{") }), []string{"tokenizer.json"}},
		{"no preprocessor", remove("preprocessor_config.json"), []string{"preprocessor_config.json"}},
		{"patches of another size", editJSON("preprocessor_config.json", func(c map[string]any) { c["patch_size"] = 16 }), []string{"preprocessor_config.json", "patch_size"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := loupe.Load(broken(t, c.breakIt), loupe.Options{})
			if err == nil {
				m.Close()
				t.Fatal("it loads")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q lacks %q", err, want)
				}
			}
		})
	}
}

// TestNaNWeight: a weight that is not a number is found when its product is, and named.
func TestNaNWeight(t *testing.T) {
	dir := broken(t, edit(shardName, func(t *testing.T, data []byte) []byte {
		n := binary.LittleEndian.Uint64(data)
		mapJSON(t, data[8:8+n], func(h map[string]any) {
			for name, v := range h {
				if strings.HasSuffix(name, "layers.2.mlp.down_proj.weight") {
					at := 8 + n + uint64(v.(map[string]any)["data_offsets"].([]any)[0].(float64))
					binary.LittleEndian.PutUint16(data[at:], 0x7fc0)
					return
				}
			}
			t.Fatal("the shard has no such tensor")
		})
		return data
	}))
	m, err := loupe.Load(dir, loupe.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	p, err := m.Prepare(context.Background(), loupe.Ask("hi"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.Answer(context.Background(), p, loupe.Generation{})
	if err == nil || !strings.Contains(err.Error(), "model.layers.2.mlp.down_proj.weight") {
		t.Errorf("error %v does not name the weight", err)
	}
}

// TestBadPrompts are inputs that do not fit a good model.
func TestBadPrompts(t *testing.T) {
	m, err := loupe.Load(broken(t, editJSON("config.json", func(c map[string]any) { c["max_position_embeddings"] = 64 })), loupe.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	img := picture.Image{Width: 56, Height: 56, Pix: make([]byte, 56*56*3)}
	says := func(text string) []tokenizer.Message {
		return []tokenizer.Message{{Role: "user", Parts: []tokenizer.Part{{Type: tokenizer.TextPart, Text: text}}}}
	}
	for _, c := range []struct {
		name string
		in   loupe.Input
		want string
	}{
		{"longer than the context", loupe.Ask(strings.Repeat("Paint the sea. ", 30)), "context"},
		{"an image without its place", loupe.Input{Messages: says("hi"), Images: []picture.Image{img}}, "place for 0"},
		{"a place without its image", loupe.Input{Messages: loupe.Ask("hi", img).Messages}, "Input.Images"},
		{"a placeholder in the text", loupe.Input{Messages: says("<|image_pad|>")}, "placeholder"},
		{"invalid UTF-8", loupe.Ask("a\xff"), "UTF-8"},
		{"a picture 300 times as long as it is high", loupe.Ask("hi", picture.Image{Width: 8400, Height: 28, Pix: make([]byte, 8400*28*3)}), "picture 1"},
		{"a picture without pixels", loupe.Ask("hi", picture.Image{}), "picture 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := m.Prepare(context.Background(), c.in)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
		})
	}
}

// TestBadHead: a score head is checked as the model is.
func TestBadHead(t *testing.T) {
	good := `{"version": 1, "input": "visual.merger", "pool": "mean", "hidden": [], "targets": [{"name": "score", "mean": 55, "std": 18, "min": 1, "max": 100}]}`
	for _, c := range []struct{ name, json, want string }{
		{"no file", "", "score_head.json"},
		{"no JSON", "{", "score_head.json"},
		{"another version", strings.Replace(good, `"version": 1`, `"version": 9`, 1), "version"},
		{"unknown input", strings.Replace(good, "visual.merger", "visual.blocks.99.out", 1), "visual.blocks.99.out"},
		{"unknown pool", strings.Replace(good, `"mean", "hidden"`, `"most", "hidden"`, 1), "pool"},
		{"no targets", strings.Replace(good, `{"name": "score", "mean": 55, "std": 18, "min": 1, "max": 100}`, "", 1), "targets"},
		{"no weights", good, "score_head.safetensors"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if c.json != "" {
				if err := os.WriteFile(filepath.Join(dir, "score_head.json"), []byte(c.json), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			m, err := loupe.Load(filepath.Join("testdata", "golden", "model"), loupe.Options{Head: dir})
			if err == nil {
				m.Close()
				t.Fatal("it loads")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %q lacks %q", err, c.want)
			}
		})
	}
}
