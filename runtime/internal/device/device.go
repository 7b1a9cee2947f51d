package device

import (
	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/cpu"
)

// Of makes the device of a model whose host computes with e. Tests put another in its place.
var Of = func(e *kernels.Engine) kernels.Device { return cpu.New(e) }
