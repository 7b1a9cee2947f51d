package weights

import (
	"strconv"
	"strings"

	"github.com/loupe-vl/loupe/kernels"
)

// DeviceMap says on which of a model's devices each of its modules lies (device_map of accelerate): consecutive layers of the decoder on the
// first, the next ones on the second, and so on. A run begins on the first device.
type DeviceMap struct {
	Devices []kernels.Device // each once
	// Tower is the number among Devices of the one with the vision tower and the score head, Embed of that with the token embeddings, and
	// Output of that with the last norm and lm_head. Tied embeddings lie where lm_head does.
	Tower, Embed, Output int
	// Layers are the numbers for the decoder's layers, ascending; nil: all on the first.
	Layers []int
}

// OneDevice is the map of a model that lies on one device.
func OneDevice(dev kernels.Device) *DeviceMap { return &DeviceMap{Devices: []kernels.Device{dev}} }

// First is the device on which a run begins.
func (m *DeviceMap) First() kernels.Device { return m.Devices[0] }

// Layer is the number of the device of a layer of the decoder.
func (m *DeviceMap) Layer(i int) int {
	if m.Layers == nil {
		return 0
	}
	return m.Layers[i]
}

// Index is the number of the device of a module or tensor, by its published name.
func (m *DeviceMap) Index(name string) int {
	if rest, ok := strings.CutPrefix(name, "model.layers."); ok {
		number, _, _ := strings.Cut(rest, ".")
		if i, err := strconv.Atoi(number); err == nil && i >= 0 && i < len(m.Layers) {
			return m.Layers[i]
		}
		return 0
	}
	switch {
	case strings.HasPrefix(name, "model.embed_tokens"):
		return m.Embed
	case strings.HasPrefix(name, "model.norm"), strings.HasPrefix(name, "lm_head"):
		return m.Output
	}
	return m.Tower
}

// Of is the device of a module or tensor, by its published name.
func (m *DeviceMap) Of(name string) kernels.Device { return m.Devices[m.Index(name)] }

// With is the map with other devices in the place of its own: those of shapes, say.
func (m *DeviceMap) With(devices []kernels.Device) *DeviceMap {
	out := *m
	out.Devices = devices
	return &out
}
