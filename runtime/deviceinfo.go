package loupe

import (
	"cmp"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/runtime/internal/device"
)

// DeviceInfo is what a model computes on, as results and records name it.
type DeviceInfo = device.Info

// DeviceInfo is what the model computes on.
func (m *Model) DeviceInfo() DeviceInfo {
	if m.opened == nil {
		return DeviceInfo{Kind: device.CPU}
	}
	return m.opened.Info
}

// DeviceNotes are those of Notes that are of the device.
func (m *Model) DeviceNotes() []string {
	if m.opened == nil {
		return nil
	}
	return m.opened.Notes
}

// GPU is DeviceInfo where that is no CPU, and nil where it is: results name it under the key "device", and those of a CPU have none.
func (m *Model) GPU() *DeviceInfo {
	if i := m.DeviceInfo(); i.Kind != device.CPU {
		return &i
	}
	return nil
}

// ComputedBy is how a caption names the arithmetic and the device: "exact", or "exact, NVIDIA H200 (sm_90, CUDA 13.0)".
func (m *Model) ComputedBy() string {
	text := m.Settings().Precision
	if i := m.GPU(); i != nil {
		text += ", " + i.String()
	}
	return text
}

// IsDeviceError reports whether an error is of the device, one that is missing, full or broken, and says nothing of what was to be computed.
func IsDeviceError(err error) bool { return device.Is(err) }

// DeviceErr is what broke the device that the model computes on, nil while it works: every run gives that error from then on,
// unless RecoverDevice can mend it.
func (m *Model) DeviceErr() error {
	return m.eachDevice(func(d kernels.Device) error {
		if d, can := d.(interface{ Err() error }); can {
			return d.Err()
		}
		return nil
	})
}

// eachDevice calls f for every device of the model, until an error.
func (m *Model) eachDevice(f func(kernels.Device) error) error {
	if m.opened == nil {
		return nil
	}
	for _, d := range m.opened.All() {
		if err := f(d); err != nil {
			return err
		}
	}
	return nil
}

// RecoverDevice is for a caller that goes over many inputs, one after the other, and has come to one that failed: it lets the device go on
// where it only had too little memory for that one. The error, nil where it works, is what broke it for good: then there is no use in
// going on. No request may be running.
func (m *Model) RecoverDevice() error {
	err := m.eachDevice(func(d kernels.Device) error {
		if d, can := d.(interface{ Recover() error }); can {
			return d.Recover()
		}
		return nil
	})
	return cmp.Or(err, m.DeviceErr())
}
