//go:build cuda && linux && cgo

package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/kernels/cuda/cudatest"
)

// mmaRecords: a decision in bf16-mma is recorded with its architecture and replayed to the bit on a GPU of the same; on a CPU, on another
// architecture and where the record was changed to be of another, the replay refuses to compare, which is no verdict.
func mmaRecords(t *testing.T, model []string) {
	log := filepath.Join(t.TempDir(), "audits")
	decide := slices.Concat([]string{"score", "--critique", "--max-tokens", "2", "--audit", log, "--precision", "bf16-mma", wave}, model)
	if r := start(t, "", decide...); r.status != exitUsage || !strings.Contains(r.stderr, "--precision bf16-mma multiplies by the tensor cores of a GPU, and the model is computed on cpu; compute on a GPU by --device cuda, or use bf16") {
		t.Errorf("on a CPU: exit %d: %s", r.status, r.stderr)
	}
	if r := start(t, "", append(slices.Clone(decide), onGPU...)...); r.status != 0 {
		t.Fatal(r.stderr)
	}
	if shown := ok(t, "", "audit", "show", log, "0"); !strings.Contains(shown, `"arch": "sm_`) || !strings.Contains(shown, `"precision": "bf16-mma"`) || strings.Count(shown, `"arch": "sm_`) != 2 {
		t.Errorf("the record has not the architecture of its arithmetic: %s", shown)
	}
	if list := ok(t, "", "audit", "list", log); !strings.Contains(list, "(bf16-mma on sm_") {
		t.Errorf("the list: %s", list)
	}
	if r := start(t, "", append([]string{"verify", log}, onGPU...)...); r.status != 0 || r.stdout != "entry 0: identical\n" {
		t.Errorf("on the same architecture: exit %d\n%s%s", r.status, r.stdout, r.stderr)
	}
	refused := func(what, here string, where ...string) {
		t.Helper()
		r := start(t, "", append([]string{"verify", log}, where...)...)
		for _, want := range []string{"entry 0: it was computed in bf16-mma on sm_", "whose bits no other architecture has, and this would compute it on " + here, "replay it by --device cuda on a GPU of sm_"} {
			if r.status != exitFailed || r.stdout != "" || !strings.Contains(r.stderr, want) {
				t.Errorf("%s: exit %d, %q: %s does not say %q", what, r.status, r.stdout, r.stderr, want)
			}
		}
	}
	refused("on a CPU", "no GPU")
	if r := start(t, "", slices.Concat([]string{"quantize", "--precision", "bf16-mma", "--out", filepath.Join(t.TempDir(), "q")}, model[:2])...); r.status != exitUsage || !strings.Contains(r.stderr, "give int8 or int4, which weights can be quantized to") {
		t.Errorf("quantize: exit %d: %s", r.status, r.stderr)
	}
	if _, fake := cudatest.Library(); fake {
		t.Run("another architecture", func(t *testing.T) {
			cudatest.FakeOnly(t)
			t.Setenv("CUDASIM_ARCH", "80")
			refused("on another", "sm_80", onGPU...)
		})
	}
}
