package loupe_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/weights"
)

// TestSnapshotOfLinks: a directory as the hub's cache lays it out, of relative links into blobs, and one that cannot be written
// to, load as any other.
func TestSnapshotOfLinks(t *testing.T) {
	golden := filepath.Join("testdata", "golden", "model")
	want := answerOf(t, golden)
	root := t.TempDir()
	snapshot := filepath.Join(root, "snapshots", "0123abcd")
	for _, dir := range []string{snapshot, filepath.Join(root, "blobs")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	files, err := os.ReadDir(golden)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range files {
		data, err := os.ReadFile(filepath.Join(golden, f.Name()))
		blob := string(rune('a'+i)) + "0f3"
		if err == nil {
			err = os.WriteFile(filepath.Join(root, "blobs", blob), data, 0o444)
		}
		if err == nil {
			err = os.Symlink(filepath.Join("..", "..", "blobs", blob), filepath.Join(snapshot, f.Name()))
		}
		if err != nil {
			t.Skipf("no links here: %v", err)
		}
	}
	if err := os.Chmod(snapshot, 0o555); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(snapshot, 0o755)
	if got := answerOf(t, snapshot); got != want {
		t.Errorf("got %swant %s", got, want)
	}
	link := filepath.Join(root, "model")
	if err := os.Symlink(snapshot, link); err != nil {
		t.Fatal(err)
	}
	if got := answerOf(t, link); got != want {
		t.Errorf("through a link: got %swant %s", got, want)
	}
}

// TestSavedAgain: a model quantized from a directory of version 5 keeps the processors, the templates and the tokens that the
// directory has.
func TestSavedAgain(t *testing.T) {
	golden, err := weights.OpenCheckpoint(filepath.Join("testdata", "golden", "model"))
	if err != nil {
		t.Fatal(err)
	}
	defer golden.Close()
	d := saved(t)["templates-5.24.0"]
	from := d.build(t, golden)
	m, err := loupe.Load(from, loupe.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	to := filepath.Join(t.TempDir(), "int8")
	if err := m.Quantize(context.Background(), to, loupe.QuantizeOptions{Precision: "int8", Group: 32}); err != nil {
		t.Fatal(err)
	}
	for name := range d.Files {
		if _, err := os.Stat(filepath.Join(to, name)); err != nil {
			t.Error(err)
		}
	}
	q, err := loupe.Load(to, loupe.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	if q.Processor != m.Processor || q.VideoProcessor != m.VideoProcessor {
		t.Errorf("processors %+v, %+v; want %+v, %+v", q.Processor, q.VideoProcessor, m.Processor, m.VideoProcessor)
	}
}

// TestToldWhenLoaded: what two files say differently is used in the order of transformers, and told.
func TestToldWhenLoaded(t *testing.T) {
	processor := `{"image_processor": {"size": {"shortest_edge": 3136, "longest_edge": 6272}}, "processor_class": "Qwen2VLProcessor"}`
	for name, c := range map[string]struct {
		file, text string
		note       string
		pixels     [2]int // the most of pictures and of videos
	}{
		"nothing":       {"x.json", "{}", "", [2]int{23520, 23520}},
		"processor":     {weights.ProcessorName, processor, "preprocessor_config.json differs from", [2]int{6272, 23520}},
		"video":         {weights.VideoPreprocessorName, `{"size": {"shortest_edge": 3136, "longest_edge": 6272}}`, "", [2]int{23520, 6272}},
		"minimal":       {weights.PreprocessorName, `{"processor_class": "Qwen2VLProcessor"}`, "", [2]int{1003520, 602112}},
		"template":      {"chat_template.jinja", "{{ messages[0]['content'] }}", "the chat template of chat_template.jinja differs from that of chat_template.json", [2]int{23520, 23520}},
		"single beside": {weights.SingleName, "golden", "model.safetensors is used, and not the shards", [2]int{23520, 23520}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := broken(t, func(t *testing.T, dir string) {
				data := []byte(c.text)
				if c.text == "golden" {
					golden, err := weights.OpenCheckpoint(dir)
					if err != nil {
						t.Fatal(err)
					}
					defer golden.Close()
					var all []weights.Named
					for _, x := range golden.Tensors() {
						all = append(all, weights.FromTensor(x.Name, x))
					}
					if err := weights.Write(filepath.Join(dir, c.file), all, nil); err != nil {
						t.Fatal(err)
					}
					return
				}
				if err := os.WriteFile(filepath.Join(dir, c.file), data, 0o644); err != nil {
					t.Fatal(err)
				}
			})
			m, err := loupe.Load(dir, loupe.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			if notes := strings.Join(m.Notes, "\n"); !strings.Contains(notes, c.note) || c.note == "" && notes != "" {
				t.Errorf("notes %q, want %q", notes, c.note)
			}
			if got := [2]int{m.Processor.MaxPixels, m.VideoProcessor.MaxPixels}; got != c.pixels {
				t.Errorf("pixels %v, want %v", got, c.pixels)
			}
		})
	}
}

// TestTokensOfAnotherModel: the tokenizer's picture tokens must be the configuration's.
func TestTokensOfAnotherModel(t *testing.T) {
	for key, id := range map[string]float64{"image_token_id": 565, "video_token_id": 566, "vision_start_token_id": 567, "vision_end_token_id": 568} {
		_, err := loupe.Load(broken(t, editJSON("config.json", func(c map[string]any) { c[key] = id })), loupe.Options{})
		if err == nil || !strings.Contains(err.Error(), key) || !strings.Contains(err.Error(), "the tokenizer gives") {
			t.Errorf("%s: %v", key, err)
		}
	}
	_, err := loupe.Load(broken(t, func(t *testing.T, dir string) {
		editJSON("tokenizer_config.json", func(c map[string]any) { c["image_token"] = "<|box_start|>" })(t, dir)
	}), loupe.Options{})
	if err == nil || !strings.Contains(err.Error(), "image_token_id is 563, but the tokenizer gives <|box_start|>") {
		t.Errorf("another name: %v", err)
	}
}
