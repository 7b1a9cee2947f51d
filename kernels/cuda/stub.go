//go:build !(cuda && linux && cgo)

package cuda

import (
	"errors"

	"github.com/loupe-vl/loupe/kernels"
)

// Built reports whether the program can open a GPU at all.
const Built = false

// Open says that the program was built without CUDA.
func Open(Options) (*Device, error) {
	return nil, errors.New("cuda: the program was built without CUDA; build it on Linux with CGO_ENABLED=1, a C compiler and -tags cuda, or compute on the CPU")
}

// Device is a GPU. There is none in a build without the tag cuda.
type Device struct{ kernels.Device }

// Info is what the device is.
func (*Device) Info() Info { return Info{} }

// Close gives the device back.
func (*Device) Close() error { return nil }
