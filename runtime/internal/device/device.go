package device

import (
	"cmp"
	"fmt"
	"path/filepath"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/cpu"
	"github.com/loupe-vl/loupe/kernels/cuda"
)

// Of makes the device that the host itself is, which computes with e. Tests put another in its place.
var Of = func(e *kernels.Engine) kernels.Device { return cpu.New(e) }

// Info is what a device is. Of the host it is the kind alone.
type Info struct {
	Kind   string `json:"kind"`             // cpu or cuda
	Name   string `json:"name,omitempty"`   // of a GPU, as the driver names it
	Arch   string `json:"arch,omitempty"`   // "sm_90"
	Driver string `json:"driver,omitempty"` // the version of CUDA that the driver has: "13.0"
	// Library is the file of the driver's library, where that is not the system's: then no GPU need have computed anything. "" else.
	Library string `json:"driver_library,omitempty"`
}

// String is one line for people: "NVIDIA H200 (sm_90, CUDA 13.0)".
func (i Info) String() string {
	if i.Kind == CPU {
		return CPU
	}
	s := fmt.Sprintf("%s (%s, CUDA %s", i.Name, i.Arch, i.Driver)
	if i.Library != "" {
		s += ", by " + i.Library
	}
	return s + ")"
}

// Opened is a device that is ready.
type Opened struct {
	kernels.Device
	Info    Info
	Notes   []string     // what a user should know of it
	Further []*Opened    // beside it, for the next layers of a model
	close   func() error // nil: there is nothing to give back
}

// All are the device and those beside it.
func (o *Opened) All() []kernels.Device {
	out := []kernels.Device{o.Device}
	for _, f := range o.Further {
		out = append(out, f.Device)
	}
	return out
}

// Open makes the devices ready that were chosen, beside a host that computes with e.
func Open(c Choice, e *kernels.Engine) (*Opened, error) {
	if c.Kind == CPU {
		out := &Opened{Device: Of(e), Info: Info{Kind: CPU}}
		for _, d := range Further(e) {
			out.Further = append(out.Further, &Opened{Device: d, Info: Info{Kind: CPU}})
		}
		return out, nil
	}
	var first *Opened
	for _, n := range c.Ordinals {
		d, err := cuda.Open(cuda.Options{Ordinal: n})
		if err != nil {
			if first != nil {
				first.Close()
			}
			return nil, err
		}
		i := d.Info()
		o := &Opened{Device: d, Info: Info{Kind: CUDA, Name: i.Name, Arch: i.Arch(), Driver: i.DriverVersion()}, close: d.Close}
		if i.Library != "" {
			o.Info.Library = filepath.Base(i.Library)
			o.Notes = append(o.Notes, fmt.Sprintf("%s stands for the NVIDIA driver (%s): what follows is computed by it, and need be no GPU's", i.Library, cuda.LibraryVariable))
		}
		if first == nil {
			first = o
		} else {
			first.Further = append(first.Further, o)
		}
	}
	return first, nil
}

// Close gives the device back, and those beside it. Nothing of them may be used any more.
func (o *Opened) Close() error {
	var err error
	if o.close != nil {
		err = o.close()
	}
	for _, f := range o.Further {
		err = cmp.Or(err, f.Close())
	}
	return err
}
