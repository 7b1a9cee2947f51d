package weights

import (
	"encoding/binary"
	"fmt"
	"math"
	"sync"

	"github.com/loupe-vl/loupe/kernels/num"
	"github.com/x448/float16"
)

// BF16ToF32 widens a bfloat16 bit pattern, exactly.
func BF16ToF32(h uint16) float32 { return math.Float32frombits(uint32(h) << 16) }

// F32ToBF16 rounds to the nearest bfloat16, ties to even. A NaN stays a NaN
// (made quiet, its sign and upper payload kept).
func F32ToBF16(x float32) uint16 { return num.F32ToBF16(x) }

// F16ToF32 widens a float16 bit pattern, exactly. In a loop use Float16Table.
func F16ToF32(h uint16) float32 { return float16.Frombits(h).Float32() }

// F32ToF16 rounds to the nearest float16, ties to even.
func F32ToF16(x float32) uint16 { return float16.Fromfloat32(x).Bits() }

// Float16Table maps every float16 bit pattern to its value. It is built once,
// when first asked for; it must not be written to.
func Float16Table() *[1 << 16]float32 { return float16Table() }

var float16Table = sync.OnceValue(func() *[1 << 16]float32 {
	table := new([1 << 16]float32)
	for i := range table {
		table[i] = F16ToF32(uint16(i))
	}
	return table
})

// Float32s is a tensor's elements as float32: for F32 the view F32 gives, for
// F16 and BF16 a new slice, exactly widened. Meant for small tensors; a model's
// matrices are widened inside the kernels. Other types are an error.
func (t Tensor) Float32s() ([]float32, error) {
	if t.DType == F32 {
		return t.F32(), nil
	}
	out := make([]float32, len(t.Data)/max(1, t.DType.Size()))
	return out, t.Widen(out)
}

// Widen stores the elements of an F32, F16 or BF16 tensor in dst, which must be
// exactly as long.
func (t Tensor) Widen(dst []float32) error {
	if !t.DType.IsModelFloat() {
		return fmt.Errorf("%s: tensor %q is %s, not F32, F16 or BF16", t.File, t.Name, t.DType)
	}
	if n := len(t.Data) / t.DType.Size(); len(dst) != n {
		return fmt.Errorf("%s: tensor %q has %d elements, not %d", t.File, t.Name, n, len(dst))
	}
	switch t.DType {
	case F32:
		copy(dst, t.F32())
	case BF16:
		for i := range dst {
			dst[i] = BF16ToF32(binary.LittleEndian.Uint16(t.Data[2*i:]))
		}
	case F16:
		table := Float16Table()
		for i := range dst {
			dst[i] = table[binary.LittleEndian.Uint16(t.Data[2*i:])]
		}
	}
	return nil
}
