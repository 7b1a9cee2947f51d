//go:build cuda && linux && cgo

package bench

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/kernels/cuda/cudatest"
	loupe "github.com/loupe-vl/loupe/runtime"
)

// TestFakeGPU: everything is measured on a GPU too, beside that GPU's limits, and the results say which one it was.
func TestFakeGPU(t *testing.T) {
	cudatest.Driver(t, filepath.Join("..", "..", "kernels", "cuda"))
	_, o := embedded(t)
	o.What, o.Tokens, o.Answer, o.Batch = []string{"prefill", "decode", "batch"}, 3, 2, []int{2}
	m, err := loupe.Embedded(loupe.Options{Device: "cuda", Precision: "int8"})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	results, limits, err := Run(t.Context(), m, o)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range results {
		got = append(got, r.What)
		if r.Device == nil || r.Device.Name == "" || !strings.HasPrefix(r.Device.Arch, "sm_") || r.Device.Driver == "" || !(r.PeakDeviceMB > 0) || !(r.OfLimit > 0) || r.Precision != "int8" {
			t.Errorf("%+v", r)
		}
	}
	if s := strings.Join(got, ", "); s != "prefill, decode, decode of 2" {
		t.Errorf("measured %s", s)
	}
	report, on, err := Report(t.Context(), m, limits, o.Each)
	if err != nil || !on || len(report.OrderCost) != 2 || len(report.Peaks) != 7 || report.Device != results[0].Device.Name {
		t.Errorf("%+v, %v, %v", report, on, err)
	}
}
