package train_test

import (
	"context"
	"os"
	"testing"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/devicetest"
	"github.com/loupe-vl/loupe/runtime/internal/device"
	"github.com/loupe-vl/loupe/runtime/train"
)

// TestLayersOnDevices: training a model whose layers lie on several devices writes the files that it writes on the processor, to the byte.
func TestLayersOnDevices(t *testing.T) {
	if device.Layers != nil {
		t.Skip("LOUPE_DEVICE has chosen a boundary")
	}
	defer func(of func(*kernels.Engine) kernels.Device, further func(*kernels.Engine) []kernels.Device) {
		device.Of, device.Further, device.Layers = of, further, nil
	}(device.Of, device.Further)
	processor := device.Of
	dir := painted(t, 4)
	for _, c := range []struct {
		name   string
		on     [][2]int // how many devices, and how many layers they take
		change func(o *train.Options)
	}{
		{"LoRA", [][2]int{{1, 0}, {1, 2}, {2, 3}}, func(*train.Options) {}},
		{"DoRA, modules, recomputed", [][2]int{{1, 1}, {2, 2}}, func(o *train.Options) {
			o.LoRA.DoRA, o.LoRA.Modules = true, []string{"visual.merger", "*layernorm", "embed_tokens", "lm_head"}
			o.LoRA.Dropout, o.Recompute = 0.1, true
		}},
		{"full", [][2]int{{1, 1}, {2, 3}}, func(o *train.Options) { o.Full, o.LR = true, 1e-4 }},
		{"full, recomputed", [][2]int{{2, 2}}, func(o *train.Options) { o.Full, o.LR, o.Recompute = true, 1e-4, true }},
		{"hidden", [][2]int{{1, 1}}, func(o *train.Options) { o.HeadOnly, o.HeadHidden = true, []int{6} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			trained := func() string {
				o := options(t, dir)
				o.Steps, o.CheckpointEvery = 3, 2
				c.change(&o)
				if err := run(context.Background(), t, o, 2, nil); err != nil {
					t.Fatal(err)
				}
				return digest(t, o.Out)
			}
			device.Of, device.Further, device.Layers = processor, func(*kernels.Engine) []kernels.Device { return nil }, nil
			want := trained()
			on := c.on
			if os.Getenv("LOUPE_LONG") != "1" {
				on = on[len(on)-1:]
				t.Log("set LOUPE_LONG=1 for the other boundaries")
			}
			for _, on := range on {
				all := make([]*devicetest.Device, on[0])
				device.Of = func(e *kernels.Engine) kernels.Device {
					for i := range all {
						all[i] = devicetest.New(e)
					}
					return all[0]
				}
				device.Further = func(*kernels.Engine) (out []kernels.Device) {
					for _, d := range all[1:] {
						out = append(out, d)
					}
					return out
				}
				device.Layers = &on[1]
				if trained() != want {
					t.Errorf("%d layers on %d devices: training writes other files", on[1], on[0])
				}
				for d, dev := range all {
					if n := dev.Counts(); n.Operations < 50 || n.Downloads < 5 {
						t.Errorf("device %d of %d was asked for next to nothing: %+v", d, on[0], n)
					}
				}
			}
		})
	}
}
