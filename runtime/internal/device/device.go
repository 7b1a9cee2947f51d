package device

import (
	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/cpu"
	"github.com/loupe-vl/loupe/kernels/cuda"
)

// Of makes the device that the host itself is, which computes with e. Tests put another in its place.
var Of = func(e *kernels.Engine) kernels.Device { return cpu.New(e) }

// Info is what a device is.
type Info struct {
	Kind   string // cpu or cuda
	Name   string // of a GPU, as the driver names it
	Arch   string // "sm_90"
	Driver string // the version of CUDA that the driver has: "13.0"
	// Library is the driver's library, where that is not the system's: then no GPU need have computed anything. "" else.
	Library string
}

// Opened is a device that is ready.
type Opened struct {
	kernels.Device
	Info  Info
	close func() error // nil: there is nothing to give back
}

// Open makes the device ready that was chosen, beside a host that computes with e.
func Open(c Choice, e *kernels.Engine) (*Opened, error) {
	if c.Kind == CPU {
		return &Opened{Device: Of(e), Info: Info{Kind: CPU}}, nil
	}
	d, err := cuda.Open(cuda.Options{Ordinal: c.Ordinals[0]})
	if err != nil {
		return nil, err
	}
	i := d.Info()
	return &Opened{Device: d, Info: Info{Kind: CUDA, Name: i.Name, Arch: i.Arch(), Driver: i.DriverVersion(), Library: i.Library}, close: d.Close}, nil
}

// Close gives the device back. Nothing of it may be used any more.
func (o *Opened) Close() error {
	if o.close == nil {
		return nil
	}
	return o.close()
}
