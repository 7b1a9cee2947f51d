package weights

import (
	"encoding/binary"
	"fmt"
)

// exponent describes a float type for the finite scan: within each element, a
// value is infinite or NaN exactly where the exponent bits are all ones, which
// is where (x & mask) + one carries into the sign bit.
type exponent struct{ mask, one, sign uint64 }

func exponentOf(d DType) (exponent, bool) {
	switch d {
	case F64:
		return exponent{0x7ff0000000000000, 0x0010000000000000, 1 << 63}, true
	case F32:
		return exponent{0x7f8000007f800000, 0x0080000000800000, 0x8000000080000000}, true
	case BF16:
		return exponent{0x7f807f807f807f80, 0x0080008000800080, 0x8000800080008000}, true
	case F16:
		return exponent{0x7c007c007c007c00, 0x0400040004000400, 0x8000800080008000}, true
	case F8E5M2:
		return exponent{0x7c7c7c7c7c7c7c7c, 0x0404040404040404, 0x8080808080808080}, true
	case F8E4M3: // no infinities; NaN is all ones
		return exponent{0x7f7f7f7f7f7f7f7f, 0x0101010101010101, 0x8080808080808080}, true
	}
	return exponent{}, false
}

// hit has bits set where an element of the word w is not finite. The masked
// parts cannot carry into their neighbors.
func (e exponent) hit(w uint64) uint64 { return (w&e.mask + e.one) & e.sign }

// CheckFinite is an error that names the first NaN or infinite element of t,
// its index and its file; nil where there is none or the type has none. It
// scans eight bytes at a time, at about the speed memory can be read.
func CheckFinite(t Tensor) error {
	e, ok := exponentOf(t.DType)
	if !ok {
		return nil
	}
	le := binary.LittleEndian
	data, at := t.Data, 0
	for ; len(data)-at >= 64; at += 64 {
		b := data[at : at+64 : at+64]
		bad := e.hit(le.Uint64(b)) | e.hit(le.Uint64(b[8:])) | e.hit(le.Uint64(b[16:])) | e.hit(le.Uint64(b[24:])) |
			e.hit(le.Uint64(b[32:])) | e.hit(le.Uint64(b[40:])) | e.hit(le.Uint64(b[48:])) | e.hit(le.Uint64(b[56:]))
		if bad != 0 {
			break
		}
	}
	size := t.DType.Size()
	for i := at / size; i < len(data)/size; i++ {
		var word [8]byte
		copy(word[:], data[i*size:(i+1)*size])
		if e.hit(le.Uint64(word[:])) != 0 {
			return fmt.Errorf("%s: tensor %q is not finite at index %d (%s): the file is damaged or its training diverged; download it again", t.File, t.Name, i, position(i, t.Shape))
		}
	}
	return nil
}

// position writes a flat index as one index per dimension: "[3 17]".
func position(i int, shape []int) string {
	at := make([]int, len(shape))
	for d := len(shape) - 1; d >= 0; d-- {
		at[d] = i % shape[d]
		i /= shape[d]
	}
	return ShapeString(at)
}
