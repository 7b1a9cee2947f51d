//go:build cuda && linux && cgo

package loupe

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/kernels/cuda"
	"github.com/loupe-vl/loupe/kernels/cuda/cudatest"
	"github.com/loupe-vl/loupe/kernels/tensor"
	"github.com/loupe-vl/loupe/vit"
	"github.com/loupe-vl/loupe/weights"
	"github.com/loupe-vl/loupe/weights/option"
)

// planned is a model whose layers are large beside what else there is.
func planned() *weights.Config {
	c := tiny()
	c.Text.HiddenSize, c.Text.IntermediateSize, c.Text.NumHiddenLayers, c.Vision.OutHiddenSize = 128, 768, 4, 128
	c.Text.NumAttentionHeads, c.Text.NumKeyValueHeads, c.Text.HeadDim = 8, 4, 16
	c.Text.MaxPositionEmbeddings = 24
	return c
}

// request is a picture, a prompt and a step on a model: the tokens' logits.
func request(t *testing.T, m *Model) (logits []float32, err error) {
	t.Helper()
	grid := m.plannedGrid()
	pixels := make([]float32, vit.Patches([]vit.Grid{grid})*m.Config.Vision.PatchDim())
	for i := range pixels {
		pixels[i] = float32(i%7) / 7
	}
	ids := make([]int, m.plannedTokens()-1)
	for i := range ids {
		ids[i] = i * i % 500
	}
	p := textPrompt(t, ids...)
	p.Images = &Vision{Grids: []vit.Grid{grid}, Pixels: tensor.Of(len(pixels)/m.Config.Vision.PatchDim(), m.Config.Vision.PatchDim(), pixels), At: []int{1, 2, 3, 4}[:vit.Patches([]vit.Grid{grid})/4]}
	a, err := m.Answer(context.Background(), p, Generation{MaxTokens: 2, IgnoreEOS: true})
	if err != nil {
		return nil, err
	}
	defer a.Close()
	for range a.Tokens() {
	}
	return a.logits, a.Err()
}

// TestFakeGPUPlan: the layers that a plan says fit do fit, in what is free to the byte, and one more does not; what is planned is no less than
// what is used, and not more by a tenth and what the driver rounds up to; and the bits are the processor's.
func TestFakeGPUPlan(t *testing.T) {
	cudatest.FakeOnly(t)
	cudatest.Driver(t, filepath.Join("..", "kernels", "cuda"))
	defer func(spare int64) { spareOnDevice = spare }(spareOnDevice)
	spareOnDevice = 0
	load := func(device string, layers *int) (*Model, error) {
		return synthetic("planned", planned(), Options{Device: device, DeviceLayers: layers, MaxPixels: 56 * 56})
	}
	own, err := load("cpu", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	want, err := request(t, own)
	if err != nil {
		t.Fatal(err)
	}
	all, err := load("cuda", nil)
	if err != nil {
		t.Fatal(err)
	}
	p := &planner{m: all, devices: all.opened.All(), layers: 4}
	p.weightsOf("")
	var needs []int64
	for n := range 5 {
		need, err := p.need([]int{n})
		if err != nil {
			t.Fatal(err)
		}
		needs = append(needs, need[0])
	}
	all.Close()
	for _, n := range []int{3, 1, 2} {
		t.Setenv("CUDASIM_MEMORY", fmt.Sprint(needs[n]))
		if n == 3 {
			t.Setenv("CUDASIM_MEMORY", fmt.Sprint(needs[4]-1)) // a byte less than one more would need
		} else if os.Getenv("LOUPE_LONG") != "1" {
			t.Log("set LOUPE_LONG=1 for other sizes of memory")
			break
		}
		m, err := load("cuda", nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.devices.Layers; len(got) != 4 || got[n-1] != 0 || got[n] != 1 {
			t.Errorf("in %d bytes the layers lie on devices %v, want the first %d on the first", needs[n], got, n)
		}
		got, err := request(t, m)
		if err != nil {
			t.Fatalf("what is planned does not fit: %v", err)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("logit %d is %v with %d layers on the device, %v on the processor", i, got[i], n, want[i])
			}
		}
		used := m.device.(*cuda.Device).PeakMemory()
		if over := needs[n] - used; over < 0 || over > used/10+4<<20 {
			t.Errorf("with %d layers %d bytes are planned, and %d were used", n, needs[n], used)
		}
		m.Close()
		more := n + 1
		m, err = load("cuda", &more)
		var refused *option.Error
		if !errors.As(err, &refused) {
			t.Fatalf("%d layers in the memory for %d: %v, %v", more, n, m, err)
		}
		for _, part := range []string{fmt.Sprintf("%d of the model's 4 layers", more), "MiB", "are free", fmt.Sprintf("Options.DeviceLayers %d", n), "Options.Precision"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%q does not say %q", err, part)
			}
		}
	}
	t.Setenv("CUDASIM_MEMORY", fmt.Sprint(needs[0]-1))
	if _, err := load("cuda", nil); err == nil || !strings.Contains(err.Error(), "the vision tower") {
		t.Errorf("without room for the tower: %v", err)
	}
	t.Run("two", func(t *testing.T) { twoGPUs(t, want) })
}

// twoGPUs: two GPUs share the layers of a model by what each has free, and give the processor's bits.
func twoGPUs(t *testing.T, want []float32) {
	cudatest.FakeOnly(t)
	t.Setenv("CUDASIM_DEVICES", "2")
	t.Setenv("CUDASIM_MEMORY", "")
	three := 3
	for _, layers := range []*int{nil, &three} {
		m, err := synthetic("planned", planned(), Options{Device: "cuda:0,cuda:1", DeviceLayers: layers, MaxPixels: 56 * 56})
		if err != nil {
			t.Fatal(err)
		}
		got, err := request(t, m)
		if err != nil {
			t.Fatal(err)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("logit %d is %v on devices %v, %v on the processor", i, got[i], m.devices.Layers, want[i])
			}
		}
		if on := m.devices.Layers; on[2] != 1 || len(m.devices.Devices) < 2 || layers != nil && on[3] != 2 {
			t.Errorf("the layers lie on devices %v", on)
		}
		if len(m.Notes) == 0 || !strings.Contains(m.Notes[len(m.Notes)-1], "on cuda:1") {
			t.Errorf("the notes do not say what lies where: %q", m.Notes)
		}
		m.Close()
	}
}
