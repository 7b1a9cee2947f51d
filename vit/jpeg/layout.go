package jpeg

import "fmt"

// layout finds the sizes of the components' planes.
func (d *decoder) layout() error {
	d.mcusX, d.mcusY = ceilDiv(d.width, 8*d.hMax), ceilDiv(d.height, 8*d.vMax)
	for i, c := range d.comps {
		if d.hMax%int(c.h) != 0 || d.vMax%int(c.v) != 0 {
			return fmt.Errorf("component %d is sampled %dx%d beside %dx%d: such fractions are not supported", i+1, c.h, c.v, d.hMax, d.vMax)
		}
		c.width, c.height = ceilDiv(d.width*int(c.h), d.hMax), ceilDiv(d.height*int(c.v), d.vMax)
		c.blocksX = d.mcusX * int(c.h)
		c.blocks = c.blocksX * d.mcusY * int(c.v)
	}
	return nil
}

// A file whose picture takes more than bombMemory bytes to decode, and more than bombRatio times its size, is refused: no
// camera, scanner or painter writes such files.
const (
	bombMemory = 200 << 20
	bombRatio  = 200
)

// allocate takes memory at the first scan: for the samples alone where that scan has all of a sequential picture, else for
// the coefficients, to which later scans add.
func (d *decoder) allocate(direct bool) error {
	need := 3 * d.width * d.height
	for _, c := range d.comps {
		need += c.width * c.height
		if !direct {
			need += 128 * c.blocks
		}
	}
	if need > bombMemory && need/bombRatio > len(d.data) {
		return fmt.Errorf("the file has %d bytes and its picture takes %d MB, as a decompression bomb does; make the picture smaller first", len(d.data), need>>20)
	}
	for _, c := range d.comps {
		if !direct {
			c.coef = make([]int16, 64*c.blocks)
			continue
		}
		c.samples = make([]byte, c.width*c.height)
		for i := range c.samples {
			c.samples[i] = 128 // a block without data is gray
		}
	}
	d.direct = direct
	return nil
}
