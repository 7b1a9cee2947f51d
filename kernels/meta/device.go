package meta

import (
	"errors"

	"github.com/loupe-vl/loupe/kernels"
)

// Device is a [kernels.Device] without numbers.
type Device struct {
	// Host says that it stands for a device whose memory is the program's own, where nothing is uploaded.
	Host bool
	// Number tells devices apart that stand for several.
	Number int
}

var _ kernels.Device = Device{}

// errNoNumbers is what reading back gives.
var errNoNumbers = errors.New("a device of shapes only was asked for numbers, of which it has none: this is a fault of the program")

// Computes is false: see [kernels.Device].
func (Device) Computes() bool { return false }

// OnHost is Host.
func (d Device) OnHost() bool { return d.Host }

// Alloc is n floats that take no memory.
func (d Device) Alloc(n int) (kernels.Buffer, error) {
	return kernels.DeviceBuffer(&kernels.Allocation{Floats: n, Owner: d}), nil
}

// Free does nothing.
func (Device) Free(kernels.Buffer) {}

// Upload does nothing.
func (Device) Upload(kernels.Array, []float32) error { return nil }

// Download is an error.
func (Device) Download([]float32, kernels.Array) error { return errNoNumbers }

// HasArithmetic is true: where there are no numbers, any arithmetic will do.
func (Device) HasArithmetic(kernels.Arithmetic) bool { return true }

// DownloadAll is an error.
func (Device) DownloadAll([]kernels.Download) error { return errNoNumbers }

// PlaceWeight is the weight, whose shape alone is read.
func (Device) PlaceWeight(w kernels.Matrix) (kernels.Placed, error) {
	return kernels.Placed{Matrix: w}, nil
}
