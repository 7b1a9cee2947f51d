package train_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/train"
	"github.com/loupe-vl/loupe/weights"
)

// scoresOf are what the embedded model with a head says of records.
func scoresOf(t *testing.T, o loupe.Options, records []train.Record) (scores []float64, m *loupe.Model) {
	t.Helper()
	m, err := loupe.Embedded(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	for i := range records {
		l, err := records[i].Example(context.Background(), m)
		if err != nil {
			t.Fatal(err)
		}
		s, err := m.Score(context.Background(), l.Prompt)
		if err != nil {
			t.Fatal(err)
		}
		scores = append(scores, s.Score)
	}
	return scores, m
}

// TestPictureSizeIsKept: a head that was fitted at a size of pictures, and to a question, is used with both unless the user says
// another, which is told; a library's user gets them too.
func TestPictureSizeIsKept(t *testing.T) {
	dir := painted(t, 12)
	o := options(t, dir)
	o.HeadOnly, o.EvalSplit = true, 0
	o.Data = filepath.Join(dir, "asked.jsonl")
	lines := strings.Split(strings.TrimSpace(read(t, filepath.Join(dir, "data.jsonl"))), "\n")
	for i := range lines {
		lines[i] = strings.TrimSuffix(lines[i], "}") + `, "system": "Be strict.", "prompt": "How good is it?"}`
	}
	write(t, o.Data, strings.Join(lines, "\n"))
	const size = 28 * 28 * 8
	m, err := loupe.Embedded(loupe.Options{MaxPixels: size})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if _, err := train.Run(context.Background(), m, o, func(train.Progress) {}); err != nil {
		t.Fatal(err)
	}
	records, err := train.ReadRecords(filepath.Join(dir, "data.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	want, _ := scoresOf(t, loupe.Options{Head: o.Out, MaxPixels: size}, records)
	got, kept := scoresOf(t, loupe.Options{Head: o.Out}, records)
	other, told := scoresOf(t, loupe.Options{Head: o.Out, MaxPixels: 2 * size}, records)
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("record %d: score %v, want %v as with the size that the head was fitted at", i, got[i], want[i])
		}
	}
	if want[0] == other[0] && want[1] == other[1] {
		t.Error("the size of pictures changes no score: the test shows nothing")
	}
	if kept.Processor.MaxPixels != size || kept.Wording().System != "Be strict." || kept.Wording().Question != "How good is it?" {
		t.Errorf("%d pixels, system %q, question %q", kept.Processor.MaxPixels, kept.Wording().System, kept.Wording().Question)
	}
	if len(kept.Notes) != 1 || !strings.Contains(kept.Notes[0], "pictures are resized to") || !strings.Contains(kept.Notes[0], o.Out) {
		t.Errorf("notes %q, want that the size is not the model's own", kept.Notes)
	}
	if len(told.Notes) != 1 || !strings.Contains(told.Notes[0], "while this was taught") || !strings.Contains(told.Notes[0], o.Out) {
		t.Errorf("notes %q, want that the size is another", told.Notes)
	}
	if kept.Wording().OtherSystem("Be strict.") != "" || !strings.Contains(kept.Wording().OtherSystem("Be kind."), "not the one") {
		t.Error("another system text is not told, or the same is")
	}
}

// TestTaughtOfRecords: a text that all records share is kept, one that they do not is not.
func TestTaughtOfRecords(t *testing.T) {
	for _, c := range []struct {
		name, text       string
		system, question string // "-": none is kept
	}{
		{"as they are by default", `{"image": "00000.png", "score": 1}
{"image": "00001.png", "score": 2}
{"image": "00002.png", "score": 3}`, loupe.Rubric, loupe.DefaultQuestion},
		{"several", `{"image": "00000.png", "score": 1, "system": "a", "prompt": "b"}
{"image": "00001.png", "score": 2, "system": "a"}
{"image": "00002.png", "score": 3, "system": "c"}`, "-", "-"},
		{"a chat without a system text", `{"messages": [{"role": "user", "content": "<image>Well?"}], "images": ["00000.png"], "score": 1}
{"messages": [{"role": "user", "content": "<image>Well?"}], "images": ["00001.png"], "score": 2}
{"messages": [{"role": "user", "content": "<image>Well?"}, {"role": "assistant", "content": "So."}], "images": ["00002.png"], "score": 3}`, "", "Well?"},
		{"a chat of several questions", `{"messages": [{"role": "system", "content": "a"}, {"role": "user", "content": "<image>Well?"}, {"role": "assistant", "content": "So."}, {"role": "user", "content": "And?"}], "images": ["00000.png"], "score": 1}
{"messages": [{"role": "user", "content": "Look: <image>"}], "system": "a", "images": ["00001.png"], "score": 2}
{"messages": [{"role": "user", "content": "<image>"}], "system": "a", "images": ["00002.png"], "score": 3}`, "a", "-"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := painted(t, 3)
			o := options(t, dir)
			o.Data, o.HeadOnly, o.EvalSplit = filepath.Join(dir, "d.jsonl"), true, 0
			write(t, o.Data, c.text)
			if err := run(context.Background(), t, o, 2, nil); err != nil {
				t.Fatal(err)
			}
			s, err := weights.ParseInputSettings("settings", []byte(read(t, filepath.Join(o.Out, weights.InputSettingsName))))
			if err != nil {
				t.Fatal(err)
			}
			text := func(p *string) string {
				if p == nil {
					return "-"
				}
				return *p
			}
			if text(s.System) != c.system || text(s.Question) != c.question || s.MaxPixels != 56*56 {
				t.Errorf("system %q, question %q, %d pixels", text(s.System), text(s.Question), s.MaxPixels)
			}
		})
	}
}

// TestAdapterKeepsSize: an adapter is used, and merged, with the size of pictures that it was taught at.
func TestAdapterKeepsSize(t *testing.T) {
	o := adapted(t)
	for _, c := range []struct {
		name    string
		dir     string
		options loupe.Options
	}{{"adapter", tiny, loupe.Options{Adapter: o.Out}}, {"merged", merge(t, o.Out, train.MergeBase), loupe.Options{}}} {
		m, err := loupe.Load(c.dir, c.options)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		if m.Processor.MaxPixels != 56*56 || m.Wording().System != loupe.Rubric {
			t.Errorf("%s: pictures of %d pixels, system %q", c.name, m.Processor.MaxPixels, m.Wording().System)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
