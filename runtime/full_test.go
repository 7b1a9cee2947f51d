package loupe

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/decoder"
	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/devicetest"
	"github.com/loupe-vl/loupe/runtime/internal/device"
)

// TestFullDevice: memory of a device that somebody else has taken is an error of the request that wants it. It leaks nothing, and a request
// that needs no more than was taken before goes on, with the same bits.
func TestFullDevice(t *testing.T) {
	defer func(of func(*kernels.Engine) kernels.Device, further func(*kernels.Engine) []kernels.Device, layers *int) {
		device.Of, device.Further, device.Layers = of, further, layers
	}(device.Of, device.Further, device.Layers)
	all, two := [2]*devicetest.Device{}, 2
	device.Layers = &two
	device.Of = func(e *kernels.Engine) kernels.Device {
		all = [2]*devicetest.Device{devicetest.New(e), devicetest.New(e)}
		return all[0]
	}
	device.Further = func(*kernels.Engine) []kernels.Device { return []kernels.Device{all[1]} }
	m, err := Embedded(Options{Device: "cpu", PrefillChunk: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	m.Decoder.Pages = decoder.NewPagePool(m.devices, m.Config.Text, 4)
	ask := func(tokens int) ([]float32, error) {
		ids := make([]int, tokens)
		for i := range ids {
			ids[i] = 10 + i*i%300
		}
		a, err := m.Answer(context.Background(), textPrompt(t, ids...), Generation{MaxTokens: 1})
		if err != nil {
			return nil, err
		}
		defer a.Close()
		return slices.Clone(a.logits), nil
	}
	want, err := ask(7)
	if err != nil {
		t.Fatal(err)
	}
	for i, dev := range all {
		dev.Fill(true)
		for range 3 {
			if _, err := ask(40); err == nil || !strings.Contains(err.Error(), "full") {
				t.Errorf("device %d is full, and a long prompt ends with %v", i, err)
			}
			if s := m.Decoder.Pages.Stats(); s.InUse != 0 {
				t.Errorf("device %d: after the error %d pages are in use", i, s.InUse)
			}
			if got, err := ask(7); err != nil || !slices.Equal(got, want) {
				t.Errorf("device %d: a short prompt after it gives %v, or other logits", i, err)
			}
		}
		dev.Fill(false)
	}
	if _, err := ask(40); err != nil {
		t.Errorf("with memory again: %v", err)
	}
}
