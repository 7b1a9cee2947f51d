package weights

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestAdapterSelections holds what is made of configurations to what PEFT makes of them: testdata/adapters/make.py asked it. What
// PEFT refuses is an error here too.
func TestAdapterSelections(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "adapters", "selections.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases map[string]struct {
		Config   json.RawMessage
		Selected *struct {
			Branches map[string][2]float64
			Saved    []string
		}
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			config := append([]byte(`{"peft_type": "LORA", "r": 8, "lora_alpha": 32, `), c.Config[1:]...)
			a, err := ParseAdapter("a.json", config)
			var s *AdapterSelection
			if err == nil {
				s, err = a.Select(twoLayers, Later, true)
			}
			if err != nil || c.Selected == nil {
				if (err != nil) != (c.Selected == nil) {
					t.Errorf("%v, and PEFT selects %+v", err, c.Selected)
				}
				return
			}
			for module, b := range s.Branches {
				want, ok := c.Selected.Branches[ModuleName(module)]
				if !ok || float64(b.Rank) != want[0] || math.Abs(b.Scale-want[1]) > 1e-12 {
					t.Errorf("%s has rank %d and scale %v; PEFT has %v, %v", module, b.Rank, b.Scale, want, ok)
				}
			}
			if len(s.Branches) != len(c.Selected.Branches) {
				t.Errorf("%d branches, PEFT has %d", len(s.Branches), len(c.Selected.Branches))
			}
			saved := []string{}
			for _, module := range s.Saved {
				saved = append(saved, ModuleName(module))
			}
			if slices.Sort(saved); !slices.Equal(saved, c.Selected.Saved) {
				t.Errorf("saved %q, PEFT has %q", saved, c.Selected.Saved)
			}
		})
	}
}
