//go:build !(cuda && linux && cgo)

package cuda

import "errors"

// Open says that the program was built without CUDA.
func Open(Options) (*Device, error) {
	return nil, errors.New("cuda: the program was built without CUDA; build it on Linux with CGO_ENABLED=1, a C compiler and -tags cuda, or compute on the CPU")
}

// Device is a GPU. There is none in a build without the tag cuda.
type Device struct{}
