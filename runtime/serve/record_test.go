package serve

import (
	"net/http"
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/runtime/audit"
	"github.com/loupe-vl/loupe/runtime/demo"
)

// TestRecorded: a studio that records has an entry for each run, which is replayed to the bit; what comes out is what comes out
// without a record; and the score comes after everything that does not wait for the record.
func TestRecorded(t *testing.T) {
	dir := t.TempDir()
	book, err := audit.OpenBook(dir, audit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m := embedded(t)
	c, plain := newClient(t, Options{Model: m, Book: book}), newClient(t, Options{Model: m})
	want := plain.run(askFor(`, "system": "Be kind."`), demo.Picture())
	got := c.run(askFor(`, "system": "Be kind."`), demo.Picture())
	a, b := want[len(want)-1].Done, got[len(got)-1].Done
	if a == nil || b == nil || a.Digest != b.Digest || a.Text != b.Text || a.Score.Score != b.Score.Score || a.Finish != b.Finish || b.Entry == nil || *b.Entry != 0 {
		t.Fatalf("recorded %+v, and without a record %+v", b, a)
	}
	var names []string
	for _, e := range got {
		if len(names) == 0 || names[len(names)-1] != e.Name {
			names = append(names, e.Name)
		}
	}
	if want := "prepared progress token score contributions done"; strings.Join(names, " ") != want {
		t.Errorf("events %v, want %s", names, want)
	}
	c.run(askFor(`, "picture": 1, "temperature": 0.7, "seed": 3`), nil)
	wantError(t, c.body(c.post(askFor(`, "picture": 1, "interventions": [{"tap": "model.norm", "op": "zero"}]`), nil), "an edit", http.StatusBadRequest), "records its runs")
	if err := book.Close(); err != nil {
		t.Fatal(err)
	}
	// Nothing is given once nothing can be recorded.
	for _, e := range c.run(askFor(`, "picture": 1`), nil) {
		switch {
		case e.Score != nil, e.Maps != nil, e.Done != nil:
			t.Errorf("a run that is not recorded gives %+v", e)
		}
	}
	archive, err := audit.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	replay := &audit.Replay{}
	defer replay.Close()
	n := 0
	err = archive.Records(t.Context(), func(r *audit.Record) error {
		v, err := archive.Verify(t.Context(), r, replay)
		if err != nil || !v.Identical {
			t.Errorf("entry %d: %+v, %v", r.Sequence, v, err)
		}
		if r.Decision.Command != "studio" {
			t.Errorf("entry %d is of %q", r.Sequence, r.Decision.Command)
		}
		n++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n != 2 {
		t.Errorf("%d entries for two runs", n)
	}
}

// TestRecordedPage: the page of a studio that records says which entry a run is, and offers no edits.
func TestRecordedPage(t *testing.T) {
	book, err := audit.OpenBook(t.TempDir(), audit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = book.Close() })
	p := openStudio(t, Options{Model: embedded(t), Book: book})
	p.drop()
	p.ran(1)
	if got := p.text("#status"); !strings.Contains(got, "entry 0 of the log") {
		t.Errorf("the page says %q", got)
	}
	if got := p.text("#score"); got == "–" {
		t.Error("no score came")
	}
	p.click("#tab-edit")
	if free := eval[int](p, `document.querySelectorAll("#edit :is(button, input, select, textarea):not(:disabled)").length`); free != 0 {
		t.Errorf("%d controls of edits can be used", free)
	}
	if got := p.text("#edit [data-id=recorded]"); !strings.Contains(got, "records its runs") {
		t.Errorf("under Edit stands %q", got)
	}
}
