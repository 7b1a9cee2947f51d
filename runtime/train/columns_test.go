package train_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/loupe-vl/loupe/runtime/train"
)

// TestColumns: train.ReadOptions.Columns says what is read, and as what; the rest is told of only where nobody chose.
func TestColumns(t *testing.T) {
	const table = "file_name,score,mos,remark,rater1,rater2,id,note\na.jpg,1,70,Calm.,60,80,1,x\nb.jpg,2,,Loud.,30,,2,\n"
	for _, c := range []struct {
		name, file, text, columns string
		want                      []train.Record
		notes                     []string // parts of the notes, in order
		fails                     string
	}{
		{"none chosen", "d.csv", table, "", []train.Record{
			{Image: "a.jpg", Score: number(1), Targets: map[string]float64{"mos": 70, "rater1": 60, "rater2": 80}}, {Image: "b.jpg", Score: number(2), Targets: map[string]float64{"rater1": 30}},
		}, []string{`the column "remark" is not learned from; it holds text, first in line 2, in 2 records; train.ReadOptions.Columns critique=remark`, `the column "id" is not learned from; it holds what tells rows apart`, `the column "note"`}, ""},
		{"score and critique", "d.csv", table, "score=mos,critique=remark", []train.Record{{Image: "a.jpg", Score: number(70), Critique: "Calm."}, {Image: "b.jpg", Critique: "Loud."}}, nil, ""},
		{"targets, one renamed", "d.csv", table, "rater1, second=rater2", []train.Record{
			{Image: "a.jpg", Targets: map[string]float64{"rater1": 60, "second": 80}}, {Image: "b.jpg", Targets: map[string]float64{"rater1": 30}},
		}, nil, ""},
		{"a label after all", "d.csv", table, "score,id", []train.Record{{Image: "a.jpg", Score: number(1), Targets: map[string]float64{"id": 1}}, {Image: "b.jpg", Score: number(2), Targets: map[string]float64{"id": 2}}}, nil, ""},
		{"the picture alone", "d.csv", "picture,score,color\na.jpg,1,2\n", "image=picture", []train.Record{{Image: "a.jpg", Score: number(1), Targets: map[string]float64{"color": 2}}}, nil, ""},
		{"keys", "d.jsonl", `{"image": "a.jpg", "score": 1, "mos": 70, "remark": "Calm.", "targets": {"color": 3, "mood": 4}}`, "score=mos,critique=remark,color", []train.Record{
			{Image: "a.jpg", Score: number(70), Critique: "Calm.", Targets: map[string]float64{"color": 3}},
		}, nil, ""},
		{"a score in a chat", "d.jsonl", `{"messages": [{"role": "user", "content": "<image>a"}, {"role": "assistant", "content": "b"}], "images": ["a.jpg"], "rating": "8"}`, "score=rating", []train.Record{
			{Image: "a.jpg", Score: number(8), Critique: "b"},
		}, nil, ""},
		{"keys that are left", "d.jsonl", `{"image": "a.jpg", "score": 1, "artist": "Monet", "box": [1, 2], "id": 7, "url": "", "year": null}
{"image": "b.jpg", "score": 1, "artist": "Manet"}
{"messages": [{"role": "user", "content": "<image>a", "loss": false}, {"role": "assistant", "content": "b"}], "images": ["a.jpg"], "rating": 8}`, "", []train.Record{
			{Image: "a.jpg", Score: number(1)}, {Image: "b.jpg", Score: number(1)}, {Image: "a.jpg", Critique: "b"},
		}, []string{`the key "artist" is not learned from; it holds text, first in line 1, in 2 records`, `the key "box" is not learned from; it holds a list`, `the key "id"`, `the key "rating" is not learned from; it holds a number, first in line 3; train.ReadOptions.Columns score=rating`,
			`the key of a message "loss" is not learned from`}, ""},
		{"one that is not there", "d.csv", table, "score=mean", nil, nil, `train.ReadOptions.Columns names "mean", which is not there; it has "file_name", "score"`},
		{"a key that is not there", "d.jsonl", `{"image": "a.jpg", "score": 1}`, "score,color", nil, nil, `train.ReadOptions.Columns names "color", which is not there; it has "image", "score"`},
		{"twice", "d.csv", table, "score=mos,score=rater1", nil, nil, "says twice"},
		{"one column twice", "d.csv", table, "score=mos,color=mos", nil, nil, "twice"},
		{"nothing", "d.csv", table, "score=", nil, nil, "give NAME"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, c.file)
			write(t, path, c.text)
			var o train.ReadOptions
			var err error
			if c.columns != "" {
				o.Columns, err = train.ParseColumns(strings.Split(c.columns, ","))
			}
			var data *train.Data
			if err == nil {
				data, err = train.ReadData(context.Background(), path, o)
			}
			if c.fails != "" {
				if err == nil || !strings.Contains(err.Error(), c.fails) {
					t.Errorf("error %v, want one with %q", err, c.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for i := range data.Records {
				data.Records[i].Image = filepath.Base(data.Records[i].Image)
			}
			if d := cmp.Diff(c.want, data.Records, cmpopts.IgnoreUnexported(train.Record{}), cmpopts.IgnoreFields(train.Record{}, "Where", "Messages"), cmpopts.EquateEmpty()); d != "" {
				t.Errorf("records (-want +got):\n%s", d)
			}
			if len(data.Notes) != len(c.notes) {
				t.Fatalf("notes %q, want %d", data.Notes, len(c.notes))
			}
			for i, part := range c.notes {
				if !strings.Contains(data.Notes[i], part) {
					t.Errorf("note %q, want one with %q", data.Notes[i], part)
				}
			}
		})
	}
}

// FuzzParseColumns: what is read says each name and each column once, and reads the same once written.
func FuzzParseColumns(f *testing.F) {
	f.Add("score=mos,critique=remark,color")
	f.Add("Image = File Name, a=b=c,,")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := train.ParseColumns(strings.Split(text, ","))
		if err != nil {
			return
		}
		again, err := train.ParseColumns(strings.Split(c.String(), ","))
		if len(c) > 0 && (err != nil || cmp.Diff(c, again) != "") {
			t.Errorf("%q reads as %v, then as %v, error %v", text, c, again, err)
		}
	})
}
