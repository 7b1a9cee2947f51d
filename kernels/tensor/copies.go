package tensor

import "github.com/loupe-vl/loupe/kernels"

// Copies are copies within a device's memory that are made together. They may be used again, and then allocate nothing.
type Copies struct{ to, from []kernels.Array }

// Add adds a copy of the rows of x to the first of to.
func (c *Copies) Add(to, x Tensor) {
	c.to, c.from = append(c.to, to.Slice(0, x.Rows).array()), append(c.from, x.array())
}

// Do makes the copies, and forgets them.
func (c *Copies) Do(dev kernels.Device) {
	kernels.CopyArrays(dev, c.to, c.from)
	c.Forget()
}

// Forget forgets the copies, and the memory that they are of.
func (c *Copies) Forget() {
	clear(c.to)
	clear(c.from)
	c.to, c.from = c.to[:0], c.from[:0]
}
