package kernels

// Copier is a device that copies many arrays at once sooner than one after the other.
type Copier interface {
	// CopyArrays is to[i] = from[i] for every i, in no order: nothing that is written is read. Arrays of a pair have one shape.
	CopyArrays(to, from []Array)
}

// CopyArrays is to[i] = from[i] for every i: of a [Copier] by itself, of any other device by CopyRows.
func CopyArrays(dev Device, to, from []Array) {
	if c, can := dev.(Copier); can {
		c.CopyArrays(to, from)
		return
	}
	for i := range to {
		dev.CopyRows(to[i], nil, from[i], nil)
	}
}
