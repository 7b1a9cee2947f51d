package serve

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/demo"
	"github.com/loupe-vl/loupe/runtime/trace"
	"github.com/loupe-vl/loupe/runtime/trace/attribution"
)

// TestExportedEdits: what a run was changed by, saved as files, changes `loupe trace` in the same way, to the bit.
func TestExportedEdits(t *testing.T) {
	m := embedded(t)
	c := newClient(t, Options{Model: m})
	c.run(askFor(""), demo.Picture())
	c.run(strings.Replace(askFor(`, "picture": 1`), "Score this painting", "Is it night", 1), nil)
	r, err := http.Post(c.URL+"/api/directions", "application/json", strings.NewReader(c.named(`{"tap": "model.layers.1.out", "from": 1, "to": 2, "rows": "text"}`)))
	if err != nil {
		t.Fatal(err)
	}
	var d direction
	if err := json.Unmarshal(c.body(r, "direction", http.StatusOK), &d); err != nil || d.Name == "" || d.Norm == 0 {
		t.Fatalf("direction %+v, %v", d, err)
	}
	events := c.run(askFor(`, "picture": 1, "interventions": [{"tap": "model.layers.1.out", "op": "add", "value": "`+d.Name+`", "scale": 2},
		{"tap": "visual.blocks.2.attn.heads", "op": "zero", "head": 1}, {"tap": "model.layers.0.mlp.out", "op": "scale", "scale": 0.5, "rows": [-1]}]`), nil)
	got := events[len(events)-1].Done

	dir := t.TempDir()
	for _, name := range []string{"interventions.json", "values.safetensors"} {
		if err := os.WriteFile(filepath.Join(dir, name), c.get("/api/runs/3/"+name, http.StatusOK), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	list, err := trace.ReadInterventions(filepath.Join(dir, "interventions.json"))
	if err != nil {
		t.Fatal(err)
	}
	traced, err := m.Trace(context.Background(), prompt(t, m), loupe.TraceOptions{Interventions: list, Steps: 4})
	if err != nil {
		t.Fatal(err)
	}
	if traced.Digest != got.Digest || traced.Score.Score != got.Score.Score {
		t.Errorf("trace has the logits %s and the score %v, the studio %s and %v", traced.Digest, traced.Score.Score, got.Digest, got.Score.Score)
	}
	plain := c.run(askFor(`, "picture": 1`), nil)
	if d := plain[len(plain)-1].Done; d.Digest == got.Digest || d.Score.Score == got.Score.Score {
		t.Errorf("the edits change nothing: %+v", d)
	}
	wantError(t, c.get("/api/runs/3/map?method=rollout", http.StatusBadRequest), "maps are made of the model as it is")
}

// TestMaps: methods of each kind answer, and contributions are those that came with the run.
func TestMaps(t *testing.T) {
	m := embedded(t)
	c := newClient(t, Options{Model: m})
	events := c.run(askFor(""), demo.Picture())
	for _, method := range []attribution.Method{attribution.Relative, attribution.Rollout, attribution.Relevance, attribution.GradCAM, attribution.Contribution} {
		var got attribution.Map
		if err := json.Unmarshal(c.get("/api/runs/1/map?method="+string(method)+"&target=score:color&layer=1&query=-1", http.StatusOK), &got); err != nil {
			t.Fatal(err)
		}
		if len(got.Panels) != 1 || len(got.Panels[0].Values) == 0 {
			t.Errorf("%s: %+v", method, got)
		}
		if method == attribution.Contribution {
			for _, e := range events {
				for _, of := range e.Maps {
					if of.Target == got.Target && !slices.Equal(of.Panels[0].Values, got.Panels[0].Values) {
						t.Errorf("the run's contributions to color are others")
					}
				}
			}
		}
	}
}
