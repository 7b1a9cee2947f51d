package report

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/cpu"
	"github.com/loupe-vl/loupe/kernels/devicetest"
	"github.com/loupe-vl/loupe/runtime/internal/device"
	"github.com/loupe-vl/loupe/runtime/internal/fixture"
	"github.com/loupe-vl/loupe/runtime/trace/attribution"
)

// TestForeignDevice: on a device whose memory is not the program's every lens and every method of attribution finds what it finds on the
// processor, to the bit.
func TestForeignDevice(t *testing.T) {
	defer func(of func(*kernels.Engine) kernels.Device) { device.Of = of }(device.Of)
	var work, told []string // what the host did
	found := func() map[string]string {
		c, out := fixture.Open(t, committed, "image", headDir), map[string]string{}
		c.Model.OnHostWork = func(doing string) { told = append(told, doing) }
		defer func() { work = c.Model.HostWork() }()
		keep := func(name string, v any) {
			data, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			out[name] = string(data)
		}
		for _, name := range LensNames() {
			f, err := Lens(t.Context(), c.Model, c.Prompt, name, LensOptions{Top: 3, Positions: []int{-1}, Against: map[string]*int{"direct": new(int)}[name]})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			keep(name, f.Data())
		}
		for _, name := range attribution.Methods() {
			if name == attribution.Integrated || name == attribution.Occlusion || name == attribution.Relative {
				continue // many runs of what the others run
			}
			m, err := attribution.Compute(t.Context(), c.Model, c.Prompt, name, attribution.Options{})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			keep("attend/"+string(name), m)
		}
		return out
	}
	device.Of = func(e *kernels.Engine) kernels.Device { return cpu.New(e) }
	want := found()
	if len(work)+len(told) > 0 {
		t.Errorf("on the processor all is the host's: %q, %q", work, told)
	}
	var dev *devicetest.Device
	device.Of = func(e *kernels.Engine) kernels.Device {
		dev = devicetest.New(e)
		return dev
	}
	if d := cmp.Diff(want, found()); d != "" {
		t.Errorf("(-processor +foreign)\n%s", d)
	}
	if want := []string{"lengths of the rows of the vocabulary", "probabilities of attention for its maps"}; !cmp.Equal(work, want) || !cmp.Equal(told, want) {
		t.Errorf("the host did %q and told of %q, want %q each", work, told, want)
	}
	if n := dev.Counts(); n.Operations < 500 || n.Downloads < 50 {
		t.Errorf("the device was asked for next to nothing: %+v", n)
	}
}
