package device

import "github.com/loupe-vl/loupe/kernels"

// Further are the devices beside the first one that take layers of a model, and Layers is how many layers all of them take together where
// the options do not say; nil: as many as fit. Tests put others in their place.
var (
	Further = func(*kernels.Engine) []kernels.Device { return nil }
	Layers  *int
)
