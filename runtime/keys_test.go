package loupe_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/vit/picture"
	"github.com/loupe-vl/loupe/weights"
)

// gradient is a picture without two equal columns.
func gradient(w, h int) picture.Image {
	img := picture.Image{Width: w, Height: h, Pix: make([]byte, 3*w*h)}
	for i := range img.Pix {
		img.Pix[i] = byte(i*7 + i/w)
	}
	return img
}

// everything is what the model in dir makes of pictures that are larger and smaller than its bounds, of a video and of a text, with
// its score if it has a head; or why it refuses. Each is answered to its end, so that end tokens show.
func everything(dir string) string {
	m, err := loupe.Load(dir, loupe.Options{})
	if err != nil {
		return "refused: " + err.Error()
	}
	defer m.Close()
	out := ""
	video := loupe.Ask("What is the light doing?")
	video.Messages[0].Parts[0].Type = "video"
	video.Messages[0].Parts[0].Text = ""
	video.Videos = [][]picture.Image{{gradient(200, 120), gradient(200, 120), gradient(200, 120), gradient(200, 120)}}
	for _, in := range []loupe.Input{loupe.Ask("hi", gradient(200, 120), gradient(30, 20)), video, loupe.Ask("The <|box_start|> light.")} {
		p, err := m.Prepare(context.Background(), in)
		if err != nil {
			return "refused: " + err.Error()
		}
		digest, tokens, err := runToEnd(m, p)
		if err != nil {
			return "refused: " + err.Error()
		}
		out += fmt.Sprintf("%d tokens, then %v, logits %s\n", len(p.IDs), tokens, digest)
		if m.Head != nil && p.Images != nil {
			score, err := m.Score(context.Background(), p)
			if err != nil {
				return "refused: " + err.Error()
			}
			out += fmt.Sprintf("%+v\n", score)
		}
	}
	return out
}

// set puts a value at a path of keys, or takes it away where it is nil.
func set(root map[string]any, path string, value any) {
	at := root
	parts := strings.Split(path, ".")
	for _, p := range parts[:len(parts)-1] {
		if name, index, ok := strings.Cut(p, "["); ok {
			at = at[name].([]any)[int(index[0]-'0')].(map[string]any)
			continue
		}
		next, ok := at[p].(map[string]any)
		if !ok {
			next = map[string]any{}
			at[p] = next
		}
		at = next
	}
	if value == nil {
		delete(at, parts[len(parts)-1])
		return
	}
	at[parts[len(parts)-1]] = value
}

// walked is a file whose every key is given another value.
type walked struct {
	kind, inert string                    // in weights/testdata/keys.json
	file        string                    // the file that is changed
	make        func(t *testing.T) string // the directory that it is changed in
	result      func(dir string) string
	// other is another value of each key: JSON of one value, or of an object of paths where it takes several.
	other map[string]string
	// nothing are keys that are read and change no result, with the reason.
	nothing map[string]string
}

// TestEveryKey: whatever key of a model's files is given another value, the result is another one, or the model is refused; or the
// key is listed as one that changes nothing, with the reason, and truly changes nothing. The keys are those that the readers accept.
func TestEveryKey(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "weights", "testdata", "keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	var accepted struct {
		Read  map[string][]string
		Inert map[string]map[string]string
	}
	if err := json.Unmarshal(data, &accepted); err != nil {
		t.Fatal(err)
	}
	for _, w := range walks() {
		t.Run(w.kind, func(t *testing.T) {
			base := w.result(w.make(t))
			if strings.HasPrefix(base, "refused") {
				t.Fatal(base)
			}
			try := func(key, value string) string {
				dir := w.make(t)
				editJSON(w.file, func(c map[string]any) {
					value = strings.ReplaceAll(value, `"FIRST"`, firstToken(base))
					var v any
					if err := json.Unmarshal([]byte(value), &v); err != nil {
						t.Fatalf("%s: %s: %v", key, value, err)
					}
					if several, ok := v.(map[string]any); ok && strings.HasPrefix(value, `{"*`) {
						for path, x := range several {
							set(c, strings.TrimPrefix(path, "*"), x)
						}
						return
					}
					set(c, key, v)
				})(t, dir)
				return w.result(dir)
			}
			listed := accepted.Read[w.kind]
			if listed == nil {
				t.Fatal("keys.json does not have it")
			}
			for _, key := range listed {
				value, changes := w.other[key]
				reason, idle := w.nothing[key]
				switch {
				case changes == idle:
					t.Errorf("%s: give it another value, or list it with the reason why it changes nothing", key)
				case changes:
					if got := try(key, value); got == base {
						t.Errorf("%s = %s changes nothing", key, value)
					}
				case reason == "" || idleValues[key] == "":
					t.Errorf("%s has no reason, or no other value to try", key)
				default:
					if got := try(key, idleValues[key]); got != base {
						t.Errorf("%s = %s is listed as changing nothing (%s) and gives %s", key, idleValues[key], reason, got)
					}
				}
			}
			for key := range w.other {
				if !contains(listed, key) {
					t.Errorf("%s is not a key that is read", key)
				}
			}
			if w.inert == "" {
				return
			}
			several := map[string]any{}
			for key := range accepted.Inert[w.inert] {
				if !contains(listed, key) {
					several["*"+key] = "another"
				}
			}
			all, err := json.Marshal(several)
			if err != nil {
				t.Fatal(err)
			}
			if got := try("", string(all)); got != base {
				t.Errorf("keys that are listed as changing nothing change it: %s", got)
			}
		})
	}
}

// firstToken is the first token that was answered to the first question, of a result of everything.
func firstToken(result string) string {
	_, rest, _ := strings.Cut(result, "then [")
	token, _, _ := strings.Cut(rest, " ")
	return token
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// parsed is the result of a file that a parser alone shows: all that it reads.
func parsed[T any](name string, parse func(string, []byte) (*T, error)) func(dir string) string {
	return func(dir string) string {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return "refused: " + err.Error()
		}
		v, err := parse(name, data)
		if err != nil {
			return "refused: " + err.Error()
		}
		return fmt.Sprintf("%+v", *v)
	}
}

// written is a directory with one file.
func written(name, text string) func(t *testing.T) string {
	return func(t *testing.T) string {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return dir
	}
}

// generationResult is generation_config.json as it is read, with its problem in words.
func generationResult(file string, data []byte) (*weights.Generation, error) {
	g, err := weights.ParseGeneration(file, data)
	if err == nil && g.Problem != nil {
		return nil, g.Problem
	}
	return g, err
}
