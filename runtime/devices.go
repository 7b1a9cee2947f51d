package loupe

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/cpu"
	"github.com/loupe-vl/loupe/runtime/internal/device"
	"github.com/loupe-vl/loupe/weights"
	"github.com/loupe-vl/loupe/weights/option"
)

// mapDevices says on which device each module of the model is to lie. The configuration must have been read, and the weights opened.
func (m *Model) mapDevices() error {
	devices, layers := m.opened.All(), m.Config.Text.NumHiddenLayers
	asked := cmp.Or(m.options.DeviceLayers, device.Layers)
	if asked != nil && *asked > layers {
		return &option.Error{Field: "Options.DeviceLayers", Value: *asked, Fault: fmt.Sprintf("the model has %d layers", layers), Want: fmt.Sprintf("give a number from 0 to %d", layers)}
	}
	if asked == nil && !arithmeticOf(m.options.Precision).Portable() {
		asked = &layers // the host does not compute it
	}
	share, err := m.plan(devices, asked)
	if err != nil {
		return err
	}
	m.devices = mapLayers(devices, share, layers, m.Config.Text.TieWordEmbeddings, func() kernels.Device { return cpu.New(m.engine) })
	if note := m.placement(share, layers); note != "" {
		m.Notes = append(m.Notes, note)
	}
	return m.checkLayers()
}

// placement says what lies where; nothing where all of it is on one device.
func (m *Model) placement(share []int, layers int) string {
	if len(share) == 1 && share[0] == layers {
		return ""
	}
	text, from := "the vision tower and the score head lie on "+m.deviceName(0), 0
	for d, n := range share {
		if n > 0 {
			text += fmt.Sprintf(", %s on %s", layerNames(from, from+n), m.deviceName(d))
			from += n
		}
	}
	if from == layers {
		return text + ", and lm_head with the last layer"
	}
	return text + fmt.Sprintf(", %s, the embedding and lm_head on the CPU", layerNames(from, layers))
}

// deviceName is what the options call device i.
func (m *Model) deviceName(i int) string {
	if names := strings.Split(m.options.Device, ","); i < len(names) && names[i] != "" {
		return names[i]
	}
	return fmt.Sprintf("device %d", i)
}

// layerNames names layers [from, to).
func layerNames(from, to int) string {
	if to-from == 1 {
		return fmt.Sprintf("layer %d", from)
	}
	return fmt.Sprintf("layers %d to %d", from, to-1)
}

// adapterBytes is the size of the adapter that is to be loaded; 0 for none.
func (m *Model) adapterBytes() int64 {
	info, err := os.Stat(filepath.Join(m.options.Adapter, weights.AdapterWeightsName))
	if m.options.Adapter == "" || err != nil {
		return 0 // what is missing is told when it is loaded
	}
	return info.Size()
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
