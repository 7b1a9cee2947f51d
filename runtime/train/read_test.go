package train_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/loupe-vl/loupe/runtime/train"
	"github.com/loupe-vl/loupe/tokenizer"
)

func number(v float64) *float64 { return &v }

// said is a message of the chat layouts: text, with the picture before it where it is there.
func said(role, text string, picture bool) tokenizer.Message {
	m := tokenizer.Message{Role: role}
	if picture {
		m.Parts = append(m.Parts, tokenizer.Part{Type: tokenizer.ImagePart})
	}
	m.Parts = append(m.Parts, tokenizer.Part{Type: tokenizer.TextPart, Text: text})
	return m
}

// layouts are files as people have them, and what is read of them.
var layouts = []struct {
	name, file, text string
	want             []train.Record
}{
	{"JSON Lines", "d.jsonl", `{"image": "a.jpg", "score": 81, "critique": "Calm.", "targets": {"color": 70, "originality": 12.5}, "split": "eval"}

{"image": "/abs/b.png", "score": 3, "system": "Be strict.", "prompt": "Judge."}
`, []train.Record{
		{Image: "a.jpg", Score: number(81), Critique: "Calm.", Targets: map[string]float64{"color": 70, "originality": 12.5}, Split: "eval"},
		{Image: "/abs/b.png", Score: number(3), System: "Be strict.", Prompt: "Judge."},
	}},
	{"CSV", "d.csv", "\ufeffImage,Score,Critique,color\r\nIMG_0001.JPG,81,\"Calm, and \"\"blue\"\".\r\nTwo lines.\",70\r\n,,,\r\nIMG_0002.JPG,,Loud., 12.5 \r\n", []train.Record{
		{Image: "IMG_0001.JPG", Score: number(81), Critique: "Calm, and \"blue\".\nTwo lines.", Targets: map[string]float64{"color": 70}},
		{Image: "IMG_0002.JPG", Critique: "Loud.", Targets: map[string]float64{"color": 12.5}},
	}},
	{"CSV of a spreadsheet that writes semicolons", "d.CSV", "image;score;critique;;\nIMG_1.jpg;7.5;Gut, ruhig;;\n", []train.Record{
		{Image: "IMG_1.jpg", Score: number(7.5), Critique: "Gut, ruhig"},
	}},
	{"tabs", "d.csv", "image\tscore\nIMG_1.jpg\t7.5\n", []train.Record{{Image: "IMG_1.jpg", Score: number(7.5)}}},
	// data/mllm_demo.json of LLaMA-Factory: an array, with the picture in the first question of several
	{"LLaMA-Factory", "d.json", `[
  {
    "messages": [
      {"content": "<image>Who are they?", "role": "user"},
      {"content": "They're Kane and Gretzka from Bayern Munich.", "role": "assistant"},
      {"content": "What are they doing?", "role": "user"},
      {"content": "They are celebrating on the soccer field.", "role": "assistant"}
    ],
    "images": ["mllm_demo_data/1.jpg"],
    "score": 64
  }
]`, []train.Record{{
		Image: "mllm_demo_data/1.jpg", Score: number(64), Critique: "They are celebrating on the soccer field.",
		Messages: []tokenizer.Message{
			said("user", "Who are they?", true), said("assistant", "They're Kane and Gretzka from Bayern Munich.", false), said("user", "What are they doing?", false),
		},
	}}},
	{"ShareGPT in LLaMA-Factory", "d.json", `[{"conversations": [{"from": "human", "value": "<image>Judge it."}, {"from": "gpt", "value": "Good."}], "system": "Be strict.", "images": "1.jpg"}]`, []train.Record{{
		Image: "1.jpg", Critique: "Good.", Messages: []tokenizer.Message{{Role: "system", Text: "Be strict."}, said("user", "Judge it.", true)},
	}}},
	// the standard format of ms-swift, its regression task, and a picture without a place
	{"ms-swift", "d.jsonl", `{"messages": [{"role": "system", "content": "You are a helpful and harmless assistant."}, {"role": "user", "content": "<image>What is in the image?"}, {"role": "assistant", "content": "An elephant."}], "images": ["/xxx/x.jpg"], "score": 8}
{"messages": [{"role": "user", "content": "Rate the picture."}], "images": [{"bytes": null, "path": "/xxx/y.jpg"}], "label": 0.8, "channel": "art"}
`, []train.Record{
		{Image: "/xxx/x.jpg", Score: number(8), Critique: "An elephant.", Messages: []tokenizer.Message{
			said("system", "You are a helpful and harmless assistant.", false), said("user", "What is in the image?", true),
		}},
		{Image: "/xxx/y.jpg", Score: number(0.8), Messages: []tokenizer.Message{said("user", "Rate the picture.", true)}},
	}},
}

// TestLayouts reads files in every layout.
func TestLayouts(t *testing.T) {
	for _, c := range layouts {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, c.file)
			if err := os.WriteFile(path, []byte(c.text), 0o644); err != nil {
				t.Fatal(err)
			}
			got, err := train.ReadRecords(path)
			if err != nil {
				t.Fatal(err)
			}
			for i := range got {
				if !strings.HasPrefix(got[i].Where, path+", line ") {
					t.Errorf("record %d is at %q", i, got[i].Where)
				}
				got[i].Image = strings.TrimPrefix(got[i].Image, dir+string(filepath.Separator))
			}
			if diff := cmp.Diff(c.want, got, cmpopts.IgnoreUnexported(train.Record{}), cmpopts.IgnoreFields(train.Record{}, "Where"), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("records (-want +got):\n%s", diff)
			}
		})
	}
}

// TestBadLines: each bad line is named by its number with what is wrong, and all of them at once.
func TestBadLines(t *testing.T) {
	for _, c := range []struct {
		name, file, text string
		want             []string
	}{
		{"JSON Lines", "d.jsonl", `{"image": "a.jpg", "score": 1}
{"image": "a.jpg", "scroe": 1}
{"image": "a.jpg"}
{"score": 1}
{"image": "a.jpg", "score": "81"}
{"image": "a.jpg", "score": 1, "split": "test"}
{"image": "a.jpg", "score": 1
{"image": "a.jpg", "targets": {"score": 1}}
{"image": "a.jpg", "score": 1} {"image": "b.jpg", "score": 1}
{"messages": [{"role": "user", "content": "Hm."}], "images": ["a.jpg", "b.jpg"], "score": 1}
{"messages": [{"role": "user", "content": "<image><image>"}], "images": ["a.jpg"], "score": 1}
{"messages": [{"role": "tool", "content": "Hm."}], "images": ["a.jpg"], "score": 1}
{"messages": [{"role": "user", "content": "Hm."}], "images": ["a.jpg"], "videos": ["v.mp4"], "score": 1}
{"messages": [{"role": "user", "content": "Hm."}], "images": ["a.jpg"], "label": [1, 2]}
{"image": "a.jpg", "images": ["b.jpg"], "score": 1}
`, []string{`line 2: json: unknown field "scroe"`, "line 3: it has neither score", "line 4: it names no image", "line 5: json: cannot unmarshal string", `line 6: split is "test"`, "line 7: unexpected EOF",
			`line 8: targets hold a "score"`, "line 9: more stands behind", "line 10: it has 2 images", "line 11: its messages have 2 places", `line 12: message 1 is of "tool"`, "line 13: it has videos", "line 14: label is [1, 2]",
			"line 15: images, videos and label belong"}},
		{"CSV", "d.csv", "image,score,color\na.jpg,1,2\na.jpg,high,2\na.jpg,1,2,3\n,1,2\na.jpg,NaN,2\na.jpg,,\na.jpg,\"1\"x,2\n", []string{
			`line 3: column score: "high"`, `line 4: field 4, "3", stands under no name`, "line 5: it names no image", `line 6: column score: "NaN"`, "line 7: it has neither", "line 8: extraneous or missing",
		}},
		{"an array", "d.json", "[\n {\"image\": \"a.jpg\", \"score\": 1},\n\n {\"image\": \"a.jpg\"}, {\"score\": 2}\n]", []string{"line 4: it has neither", "line 4: it names no image"}},
		{"header", "d.csv", "file,score\na.jpg,1\n", []string{"no column image"}},
		{"header twice", "d.csv", "image,score,Score\na.jpg,1,1\n", []string{`column "score" twice`}},
		{"an array that does not end", "d.json", `[{"image": "a.jpg", "score": 1}`, []string{"does not end"}},
		{"empty", "d.jsonl", "\n\n", []string{"no records"}},
		{"not UTF-8", "d.csv", "image,critique\na.jpg,Sch\xf6n\n", []string{"line 2 is not UTF-8"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), c.file)
			if err := os.WriteFile(path, []byte(c.text), 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := train.ReadRecords(path)
			if err == nil {
				t.Fatal("it is read without an error")
			}
			for _, part := range append(c.want, path) {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the error has no %q: %v", part, err)
				}
			}
			if strings.Contains(err.Error(), "line 1:") || c.file == "d.csv" && strings.Contains(err.Error(), "line 2:") {
				t.Errorf("a good line is named: %v", err)
			}
		})
	}
}

// TestCheckFindsAll: before the first step, bad lines and bad pictures are told together.
func TestCheckFindsAll(t *testing.T) {
	dir := painted(t, 3)
	if err := os.WriteFile(filepath.Join(dir, "torn.png"), []byte("\x89PNG\r\n\x1a\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	text := `{"image": "00000.png", "score": 1}
{"image": "gone.png", "score": 1}
{"image": "00001.png", "score": "high"}
{"image": "torn.png", "score": 1}
{"image": "00002.png"}
`
	o := options(t, dir)
	o.Data = filepath.Join(dir, "mixed.jsonl")
	if err := os.WriteFile(o.Data, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	err := run(context.Background(), t, o, 2, nil)
	if err == nil {
		t.Fatal("trained on it")
	}
	at := 0
	for _, part := range []string{o.Data, "line 2: ", "gone.png", "line 3: ", "line 4: ", "torn.png", "line 5: "} {
		i := strings.Index(err.Error()[at:], part)
		if i < 0 {
			t.Fatalf("after byte %d there is no %q: %v", at, part, err)
		}
		at += i
	}
	if _, err := os.Stat(filepath.Join(o.Out, "log.jsonl")); err == nil {
		t.Error("there is a log")
	}
}

// TestHeldOut: the records that are kept for evaluation are listed as they were read, in both layouts.
func TestHeldOut(t *testing.T) {
	dir := painted(t, 3)
	o := options(t, dir)
	o.Data, o.Steps = filepath.Join(dir, "mixed.jsonl"), 1
	text := `{"image": "00000.png", "score": 1}
{"image": "00001.png", "score": 2, "critique": "Hm.", "targets": {"color": 3}, "prompt": "Judge.", "split": "eval"}
{"messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Look: <image> Well?"}, {"role": "assistant", "content": "Nice."}], "images": ["00002.png"], "score": 9, "split": "eval"}
`
	if err := os.WriteFile(o.Data, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	want, err := train.ReadRecords(o.Data)
	if err != nil {
		t.Fatal(err)
	}
	if err := run(context.Background(), t, o, 2, nil); err != nil {
		t.Fatal(err)
	}
	got, err := train.ReadRecords(filepath.Join(o.Out, "held-out.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	got[1].Messages[0] = tokenizer.Message{Role: "system", Parts: got[1].Messages[0].Parts} // a text may come back as one part
	if diff := cmp.Diff(want[1:], got, cmpopts.IgnoreUnexported(train.Record{}), cmpopts.IgnoreFields(train.Record{}, "Where"), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

// FuzzReadRecords: whatever a file holds, it is read or refused, and what is read is fit to learn from.
func FuzzReadRecords(f *testing.F) {
	for _, c := range layouts {
		f.Add(strings.EqualFold(filepath.Ext(c.file), ".csv"), []byte(c.text))
	}
	f.Fuzz(func(t *testing.T, csv bool, text []byte) {
		path := filepath.Join(t.TempDir(), map[bool]string{true: "d.csv", false: "d.json"}[csv])
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
		records, err := train.ReadRecords(path)
		if err != nil {
			return
		}
		for _, r := range records {
			if r.Image == "" || r.Score == nil && r.Critique == "" && len(r.Targets) == 0 {
				t.Errorf("read %+v", r)
			}
		}
	})
}
