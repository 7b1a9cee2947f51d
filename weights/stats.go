package weights

import (
	"encoding/binary"
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat"
)

// Stats describes a tensor's values. Min to Std are over the finite ones, and
// zero where there are none; Std is the population's.
type Stats struct {
	Count int     `json:"count"`
	NaN   int     `json:"nan"`
	Inf   int     `json:"inf"`
	Min   float64 `json:"min"`
	Max   float64 `json:"max"`
	Mean  float64 `json:"mean"`
	Std   float64 `json:"std"`
}

// Statistics reads a tensor of any type once, in blocks: mean and variance of
// each block in float64 (gonum/stat), joined by the pairwise rule of Chan,
// Golub and LeVeque (1979), so that the order, and the result, is fixed.
func Statistics(t Tensor) (Stats, error) {
	const block = 4096
	var s Stats
	var m2 float64
	finite := 0
	all, buf := make([]float64, block), make([]float64, 0, block)
	size := t.DType.Size()
	if !t.DType.HasStatistics() {
		return s, fmt.Errorf("%s: tensor %q: there are no statistics of dtype %q", t.File, t.Name, string(t.DType))
	}
	s.Min, s.Max = math.Inf(1), math.Inf(-1)
	for data := t.Data; len(data) > 0; {
		n := min(block, len(data)/size)
		buf = buf[:0]
		widen64(all[:n], t.DType, data)
		for _, x := range all[:n] {
			switch {
			case x != x:
				s.NaN++
			case x-x != 0:
				s.Inf++
			default:
				buf = append(buf, x)
				if x < s.Min {
					s.Min = x
				}
				if x > s.Max {
					s.Max = x
				}
			}
		}
		data = data[n*size:]
		s.Count += n
		if len(buf) == 0 {
			continue
		}
		mean, variance := stat.PopMeanVariance(buf, nil)
		a, b := float64(finite), float64(len(buf))
		delta := mean - s.Mean
		s.Mean += float64(delta * (b / (a + b)))
		m2 += float64(variance*b) + float64(delta*delta*(a*b/(a+b)))
		finite += len(buf)
	}
	if finite == 0 {
		s.Min, s.Max = 0, 0
		return s, nil
	}
	s.Std = math.Sqrt(m2 / float64(finite))
	return s, nil
}

// widen64 widens len(dst) elements, with the two common types at full speed.
func widen64(dst []float64, d DType, data []byte) {
	switch d {
	case BF16:
		for i := range dst {
			dst[i] = float64(BF16ToF32(binary.LittleEndian.Uint16(data[2*i:])))
		}
	case F32:
		for i := range dst {
			dst[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:])))
		}
	default:
		size := d.Size()
		for i := range dst {
			dst[i] = float64At(d, data[i*size:])
		}
	}
}

// float64At widens the first element of b. 64-bit integers beyond 2^53 round.
func float64At(d DType, b []byte) float64 {
	le := binary.LittleEndian
	switch d {
	case F64:
		return math.Float64frombits(le.Uint64(b))
	case F32:
		return float64(math.Float32frombits(le.Uint32(b)))
	case BF16:
		return float64(BF16ToF32(le.Uint16(b)))
	case F16:
		return float64(F16ToF32(le.Uint16(b)))
	case F8E5M2: // the upper byte of a float16
		return float64(F16ToF32(uint16(b[0]) << 8))
	case F8E4M3:
		return f8e4m3(b[0])
	case I64:
		return float64(int64(le.Uint64(b)))
	case I32:
		return float64(int32(le.Uint32(b)))
	case I16:
		return float64(int16(le.Uint16(b)))
	case I8:
		return float64(int8(b[0]))
	case U64:
		return float64(le.Uint64(b))
	case U32:
		return float64(le.Uint32(b))
	case U16:
		return float64(le.Uint16(b))
	}
	return float64(b[0]) // U8, BOOL
}

// f8e4m3 widens the FN variant: bias 7, no infinities, NaN is all ones.
func f8e4m3(b byte) float64 {
	sign := 1 - 2*float64(b>>7)
	e, m := int(b>>3&15), float64(b&7)
	switch {
	case b&0x7f == 0x7f:
		return math.NaN()
	case e == 0:
		return sign * math.Ldexp(m, -9)
	}
	return sign * math.Ldexp(8+m, e-10)
}
