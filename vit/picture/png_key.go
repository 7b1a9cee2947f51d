package picture

import (
	"bytes"
	"encoding/binary"
)

// key is the one color that a tRNS chunk makes transparent, in the form in which Pillow's info["transparency"] survives
// convert("RGB"): a palette's only if a single entry is transparent and all others are opaque. For gray kinds that Pillow
// holds as "1" or "I;16" the number itself survives, and is then taken for red. Kinds with alpha have none.
func (p *pngFile) key() *[3]byte {
	if p.trns == nil {
		return nil
	}
	clip := func(at int) byte { return byte(min(binary.BigEndian.Uint16(p.trns[at:]), 255)) }
	switch p.color {
	case 3:
		i := bytes.IndexByte(p.trns, 0)
		if i < 0 || i > 255 || bytes.Count(p.trns, []byte{0xff}) != len(p.trns)-1 {
			return nil
		}
		if 3*i+3 > len(p.palette) {
			return &[3]byte{}
		}
		return (*[3]byte)(bytes.Clone(p.palette[3*i : 3*i+3]))
	case 0:
		switch v := clip(0); p.depth {
		case 1:
			if v != 0 {
				v = 255
			}
			return &[3]byte{v, 0, 0}
		case 16:
			return &[3]byte{p.trns[1], 0, 0}
		default:
			return &[3]byte{v, v, v}
		}
	case 2:
		return &[3]byte{clip(0), clip(2), clip(4)}
	}
	return nil
}
