//go:build cuda && linux && cgo

package cuda

import (
	"strings"
	"testing"
)

// faultyArgs is struct Faulty of testdata/faulty.cu.
type faultyArgs struct {
	to, from  address
	n, unused int32
}

// TestChecks: the fake driver that checks every access to memory finds each kind of fault, whatever the order of threads, and nothing where
// there is none.
func TestChecks(t *testing.T) {
	for _, order := range orders {
		t.Setenv("CUDASIM_ORDER", order)
		for fault, want := range map[string]string{
			"none":        "",
			"barrier":     "at the same time",
			"reuse":       "at the same time",
			"warp":        "at the same time",
			"wait":        "reads what a copy brings that was not waited for: byte ",
			"commit":      "that was not waited for",
			"wait_alone":  "at the same time|was not waited for",
			"overtaken":   "it writes where a copy is on its way",
			"blocks":      "it writes what another block writes: byte 0 of an allocation of 512",
			"blocks_read": "what another block|what nobody wrote",
			"uploaded":    "it reads what nobody wrote: byte ",
			"end":         "it reads 4 bytes: byte 260 of an allocation of 260",
			"before":      "it reads 4 bytes: byte -4 of an allocation of 260",
			"write":       "it writes 4 bytes: byte 512 of an allocation of 512",
			"aligned":     "not aligned",
			"index":       "an index is beyond its array",
			"shared_end":  "it writes 4 bytes: ",
		} {
			d := openLibrary(t, checked)
			from, to := up(t, d, 1, 65, 0, make([]float32, 65)), up(t, d, 1, 128, 0, nil)
			d.mu.Lock()
			launch(d, "faulty_"+fault, [3]int{2, 1, 1}, 64, faultyArgs{to: d.at(to.Buffer), from: d.at(from.Buffer), n: 65})
			d.mu.Unlock()
			err := d.Err()
			if want == "" {
				if d.Close(); err != nil {
					t.Errorf("%s, %s: %v", order, fault, err)
				}
				continue
			}
			found := false
			for w := range strings.SplitSeq(want, "|") {
				found = found || err != nil && strings.Contains(err.Error(), w)
			}
			if !found {
				t.Errorf("%s, %s: %v, want %q", order, fault, err, want)
			}
			d.Close()
		}
	}
}
