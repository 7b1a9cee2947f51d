package loupe

import (
	"cmp"
	"fmt"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/cpu"
	"github.com/loupe-vl/loupe/runtime/internal/device"
	"github.com/loupe-vl/loupe/weights"
	"github.com/loupe-vl/loupe/weights/option"
)

// mapDevices says on which device each module of the model is to lie. The configuration must have been read.
func (m *Model) mapDevices() error {
	devices := m.opened.All()
	layers := m.Config.Text.NumHiddenLayers
	n := layers
	if asked := cmp.Or(m.options.DeviceLayers, device.Layers); asked != nil {
		if n = *asked; n < 0 || n > layers {
			return &option.Error{Field: "Options.DeviceLayers", Value: n, Fault: fmt.Sprintf("the model has %d layers", layers), Want: fmt.Sprintf("give a number from 0 to %d", layers)}
		}
	}
	m.devices = mapLayers(devices, even(n, len(devices)), layers, m.Config.Text.TieWordEmbeddings, func() kernels.Device { return cpu.New(m.engine) })
	return m.checkLayers()
}

// even shares n layers out among devices, the first ones one more where they do not come out even.
func even(n, devices int) []int {
	out := make([]int, devices)
	for i := range out {
		out[i] = (n + devices - 1 - i) / devices
	}
	return out
}

// mapLayers is the map of a model of so many layers of which the first share[0] lie on devices[0], the next share[1] on devices[1] and so
// on, and what is left on the host. The vision tower and the score head lie on the first device. Where no layer is left, the embedding does
// too, and the last norm and lm_head lie on the device of the last layer; else the three lie on the host, since the embedding is read by
// rows, and the others come after layers that are there. An embedding that is tied lies where lm_head does.
func mapLayers(devices []kernels.Device, share []int, layers int, tied bool, host func() kernels.Device) *weights.DeviceMap {
	out := &weights.DeviceMap{}
	for d, dev := range devices {
		if d > 0 && share[d] == 0 {
			continue // nothing would lie there
		}
		for range share[d] {
			out.Layers = append(out.Layers, len(out.Devices))
		}
		out.Devices = append(out.Devices, dev)
	}
	if left := layers - len(out.Layers); left > 0 {
		rest := len(out.Devices)
		out.Devices = append(out.Devices, host())
		for range left {
			out.Layers = append(out.Layers, rest)
		}
		out.Embed, out.Output = rest, rest
		return out
	}
	if layers > 0 {
		out.Output = out.Layers[layers-1]
	}
	if tied {
		out.Embed = out.Output
	}
	return out
}
