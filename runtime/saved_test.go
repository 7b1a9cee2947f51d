package loupe_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/vit/picture"
	"github.com/loupe-vl/loupe/weights"
)

// savedDirectory is a directory of testdata/saved.
type savedDirectory struct {
	Files   map[string]string
	Weights map[string][][3]string // file: stored name, golden tensor, type
}

// saved lists the directories of testdata/saved.
func saved(t *testing.T) map[string]savedDirectory {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "saved", "*.json"))
	if err != nil || len(files) < 20 {
		t.Fatalf("%d directories, %v", len(files), err)
	}
	out := map[string]savedDirectory{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var d savedDirectory
		if err := json.Unmarshal(data, &d); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		out[strings.TrimSuffix(filepath.Base(file), ".json")] = d
	}
	return out
}

// build writes the directory that d describes.
func (d savedDirectory) build(t *testing.T, golden *weights.Checkpoint) string {
	t.Helper()
	dir := t.TempDir()
	for name, kept := range d.Files {
		from := filepath.Join("testdata", "saved", "files", kept)
		if own, ok := strings.CutPrefix(kept, "golden/"); ok {
			from = filepath.Join("testdata", "golden", "model", own)
		}
		data, err := os.ReadFile(from)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), data, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, tensors := range d.Weights {
		var all []weights.Named
		for _, x := range tensors {
			from, err := golden.Tensor(x[1])
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, as(t, x[0], weights.DType(x[2]), from))
		}
		if err := weights.Write(filepath.Join(dir, name), all, map[string]string{"format": "pt"}); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// as is a tensor under another name, in another type.
func as(t *testing.T, name string, to weights.DType, from weights.Tensor) weights.Named {
	t.Helper()
	if from.DType == to {
		return weights.FromTensor(name, from)
	}
	values, err := from.Float32s()
	if err != nil {
		t.Fatal(err)
	}
	switch to {
	case weights.F32:
		return weights.FromF32(name, from.Shape, values)
	case weights.F16:
		return weights.FromF16(name, from.Shape, values)
	}
	t.Fatalf("type %s", to)
	return weights.Named{}
}

// answerOf is what the model in dir says of a picture, a video and a text: a digest of every logit, and the tokens.
func answerOf(t *testing.T, dir string) string {
	t.Helper()
	m, err := loupe.Load(dir, loupe.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	img, err := picture.LoadFile(context.Background(), filepath.Join("testdata", "golden", "pictures", "pillow_2x1_orient8.png"), picture.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	in := loupe.Ask("What is the light doing?", img)
	video := loupe.Files{Videos: []string{framesOf(t)}, Text: "Describe."}
	in2, err := video.Read(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	out := ""
	for _, in := range []loupe.Input{in, in2, loupe.Ask("hi")} {
		p, err := m.Prepare(context.Background(), in)
		if err != nil {
			t.Fatal(err)
		}
		a, tokens, err := runToEnd(m, p)
		if err != nil {
			t.Fatal(err)
		}
		out += fmt.Sprintf("%d tokens, then %v, logits %s\n", len(p.IDs), tokens, a)
	}
	return out
}

// framesOf writes a video of two frames.
func framesOf(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	data, err := os.ReadFile(filepath.Join("testdata", "golden", "pictures", "pillow_2x1_orient8.png"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"0.png", "1.png"} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestSavedDirectories: the golden model as each tool and version saves it gives the logits of the published form, bit for bit.
func TestSavedDirectories(t *testing.T) {
	golden, err := weights.OpenCheckpoint(filepath.Join("testdata", "golden", "model"))
	if err != nil {
		t.Fatal(err)
	}
	defer golden.Close()
	published := func(to weights.DType) string {
		dir := broken(t, func(t *testing.T, dir string) {
			var all []weights.Named
			for _, x := range golden.Tensors() {
				all = append(all, as(t, x.Name, to, x))
			}
			for _, name := range append(golden.Files(), weights.IndexName) {
				if err := os.Remove(filepath.Join(dir, filepath.Base(name))); err != nil {
					t.Fatal(err)
				}
			}
			if err := weights.Write(filepath.Join(dir, weights.SingleName), all, nil); err != nil {
				t.Fatal(err)
			}
		})
		return answerOf(t, dir)
	}
	want := map[weights.DType]string{weights.BF16: answerOf(t, filepath.Join("testdata", "golden", "model"))}
	if want[weights.F32] = published(weights.F32); want[weights.F32] != want[weights.BF16] {
		t.Error("widened weights give other logits")
	}
	if want[weights.F16] = published(weights.F16); want[weights.F16] == want[weights.BF16] {
		t.Error("weights rounded to float16 give the same logits: the comparison shows nothing")
	}
	for name, d := range saved(t) {
		t.Run(name, func(t *testing.T) {
			files := make([]string, 0, len(d.Weights))
			for file := range d.Weights {
				files = append(files, file)
			}
			slices.Sort(files)
			if got := answerOf(t, d.build(t, golden)); got != want[weights.DType(d.Weights[files[0]][0][2])] {
				t.Errorf("got %swant %s", got, want[weights.DType(d.Weights[files[0]][0][2])])
			}
		})
	}
}

// runToEnd answers a prompt with four tokens and returns the digest of every logit, and the tokens.
func runToEnd(m *loupe.Model, p *loupe.Prompt) (digest string, tokens []int, err error) {
	a, err := m.Answer(context.Background(), p, loupe.Generation{MaxTokens: 4})
	if err != nil {
		return "", nil, err
	}
	for token, err := range a.Tokens() {
		if err != nil {
			return "", nil, err
		}
		tokens = append(tokens, token.ID)
	}
	return a.LogitsDigest(), tokens, nil
}
