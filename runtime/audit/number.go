package audit

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Decimal is a number in a record: its bits in hexadecimal, and a decimal string for people. It is no JSON number, since
// canonical JSON writes those as JavaScript does.
type Decimal struct {
	Bits    string `json:"bits"`    // of the IEEE 754 number: 8 or 16 hexadecimal digits
	Decimal string `json:"decimal"` // the shortest that reads back as it
}

// Single is a float32.
func Single(v float32) Decimal {
	return Decimal{fmt.Sprintf("%08x", math.Float32bits(v)), strconv.FormatFloat(float64(v), 'g', -1, 32)}
}

// Double is a float64.
func Double(v float64) Decimal {
	return Decimal{fmt.Sprintf("%016x", math.Float64bits(v)), strconv.FormatFloat(v, 'g', -1, 64)}
}

// Float is the number, whichever width it has.
func (d Decimal) Float() (float64, error) {
	bits, err := strconv.ParseUint(d.Bits, 16, 64)
	if err != nil || strings.ToLower(d.Bits) != d.Bits {
		return 0, fmt.Errorf("the bits %q are no hexadecimal number", d.Bits)
	}
	var v float64
	var want Decimal
	switch len(d.Bits) {
	case 8:
		v, want = float64(math.Float32frombits(uint32(bits))), Single(math.Float32frombits(uint32(bits)))
	case 16:
		v, want = math.Float64frombits(bits), Double(math.Float64frombits(bits))
	default:
		return 0, fmt.Errorf("the bits %q have neither 8 nor 16 digits", d.Bits)
	}
	if want != d {
		return 0, fmt.Errorf("the decimal %q is not that of the bits %s, which is %s", d.Decimal, d.Bits, want.Decimal)
	}
	return v, nil
}
