package kernels

// Limited is a device with memory of its own, of which there may be too little for a model. What it takes is known before anything is
// allocated: the model runs on a dry device first, which goes the way of the device itself, and counts.
type Limited interface {
	Device
	// FreeMemory is how many bytes are free for this process, and how many there are.
	FreeMemory() (free, total int64, err error)
	// Dry is a device that counts what this one would allocate, and computes nothing. Operations of a dry device read the shapes of their
	// operands alone, and weights the layout and the shape.
	Dry() DryDevice
}

// DryDevice is a device that counts.
type DryDevice interface {
	Device
	// PeakMemory is the most bytes that were allocated at a time since the last call.
	PeakMemory() int64
}
