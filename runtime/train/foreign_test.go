package train_test

import (
	"context"
	"testing"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/devicetest"
	"github.com/loupe-vl/loupe/runtime/internal/device"
	"github.com/loupe-vl/loupe/runtime/train"
)

// TestForeignDevice: training on a device whose memory is not the program's writes the files that it writes on the processor, to the
// byte: branches, whole weights, magnitudes, modules saved whole, heads with hidden layers, and the optimizer's moments.
func TestForeignDevice(t *testing.T) {
	defer func(of func(*kernels.Engine) kernels.Device) { device.Of = of }(device.Of)
	processor := device.Of
	dir := painted(t, 4)
	for name, change := range map[string]func(o *train.Options){
		"LoRA": func(*train.Options) {},
		"DoRA and modules": func(o *train.Options) {
			o.LoRA.DoRA, o.LoRA.Modules = true, []string{"visual.merger", "*layernorm", "embed_tokens"}
			o.Recompute = true
		},
		"full":      func(o *train.Options) { o.Full, o.LR = true, 1e-4 },
		"head only": func(o *train.Options) { o.HeadOnly = true },
		"hidden":    func(o *train.Options) { o.HeadOnly, o.HeadHidden = true, []int{6} },
	} {
		t.Run(name, func(t *testing.T) {
			trained := func() string {
				o := options(t, dir)
				o.Steps, o.CheckpointEvery = 3, 2
				change(&o)
				if err := run(context.Background(), t, o, 2, nil); err != nil {
					t.Fatal(err)
				}
				return digest(t, o.Out)
			}
			device.Of = processor
			want := trained()
			var dev *devicetest.Device
			device.Of = func(e *kernels.Engine) kernels.Device {
				dev = devicetest.New(e)
				return dev
			}
			if trained() != want {
				t.Error("training on a foreign device writes other files")
			}
			if n := dev.Counts(); n.Operations < 50 || n.Downloads < 5 {
				t.Errorf("the device was asked for next to nothing: %+v", n)
			}
		})
	}
}
