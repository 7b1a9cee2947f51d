package weights

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/cpu"
)

// nines is a layout that loupe does not have: each weight is one of the numbers of its row, by a byte.
type nines struct {
	cols    int
	codes   []byte
	numbers []float32 // nine of each row
}

func (n nines) Dequantize(dst []float32, stride int, _ kernels.Matrix, r, rows, c, cols int) {
	for i := range rows {
		for j := range cols {
			dst[i*stride+j] = n.numbers[(r+i)*9+int(n.codes[(r+i)*n.cols+c+j])]
		}
	}
}

func (n nines) Bytes(kernels.Matrix) int { return len(n.codes) + 4*len(n.numbers) }

// ninesScheme stores them as NAME.codes and NAME.numbers, which quantization_config says and gives a factor for. It is all that a new
// scheme needs.
var ninesScheme = scheme{
	method:   "nines",
	settings: func(f *fields) any { return f.number("factor", 0, 10) },
	ends:     []string{".codes", ".numbers"},
	linear: func(c *Checkpoint, settings any, name string, rows, cols int) (kernels.Matrix, []Tensor, error) {
		codes, numbers := c.tensors[name+".codes"], c.tensors[name+".numbers"]
		if !slices.Equal(codes.Shape, []int{rows, cols}) || !slices.Equal(numbers.Shape, []int{rows, 9}) {
			return kernels.Matrix{}, nil, fmt.Errorf("%s: tensor %q has shape %s", codes.File, codes.Stored, ShapeString(codes.Shape))
		}
		layout := nines{cols, codes.Data, slices.Clone(numbers.F32())}
		for i := range layout.numbers {
			layout.numbers[i] *= float32(settings.(float64))
		}
		return kernels.Matrix{Layout: layout, Rows: rows, Cols: cols}, []Tensor{codes, numbers}, nil
	},
}

// TestNewScheme: a scheme that is one value in the list makes config.json accept its method and refuse what it does not know, and linear
// maps be what its tensors hold, all of which count as used; other linear maps are read as ever.
func TestNewScheme(t *testing.T) {
	config := func(settings string) string {
		return strings.Replace(flat, `"architectures"`, `"quantization_config": {"quant_method": "nines"`+settings+`}, "architectures"`, 1)
	}
	_, err := ParseConfig("config.json", []byte(config(`, "factor": 2`)))
	wantError(t, err, "quantization_config", "(nines)")

	schemes = append(schemes, &ninesScheme)
	defer func() { schemes = schemes[:len(schemes)-1] }()
	for settings, want := range map[string][]string{
		``:                         {"quantization_config.factor", "missing"},
		`, "factor": 11`:           {"quantization_config.factor", "11"},
		`, "factor": 2, "sigma":1`: {"quantization_config.sigma", "nines"},
	} {
		_, err := ParseConfig("config.json", []byte(config(settings)))
		wantError(t, err, want...)
	}
	parsed, err := ParseConfig("config.json", []byte(config(`, "factor": 2`)))
	if err != nil {
		t.Fatal(err)
	}

	numbers := new(bytes.Buffer)
	for i := range 18 {
		binary.Write(numbers, binary.LittleEndian, float32(i))
	}
	file := encoded(t, nil, FromBytes("fc1.codes", U8, []int{2, 3}, []byte{0, 8, 1, 1, 0, 8}), FromBytes("fc1.numbers", F32, []int{2, 9}, numbers.Bytes()),
		FromBytes("fc2.weight", BF16, []int{1, 2}, []byte{0x80, 0x3f, 0, 0x40}))
	f, err := NewFile("x.safetensors", file)
	if err != nil {
		t.Fatal(err)
	}
	c, err := assemble(".", []*File{f})
	if err != nil {
		t.Fatal(err)
	}
	before := NewParams(c, cpu.New(nil))
	before.LinearOf("fc1", false, 2, 3)
	wantError(t, before.Err(), "fc1.weight", "missing") // without config.json's word

	c.Quantization = parsed.Quantization
	p := NewParams(c, cpu.New(nil))
	copied := 0
	p.Convert(func(name string, w kernels.Matrix) (kernels.Matrix, bool, error) { copied++; return w, false, nil })
	for name, want := range map[string][]float32{"fc1": {0, 16, 2, 20, 18, 34}, "fc2": {1, 2}} {
		cols := 3
		if name == "fc2" {
			cols = 2
		}
		l := p.LinearOf(name, false, len(want)/cols, cols)
		if p.Err() != nil {
			t.Fatal(p.Err())
		}
		got := make([]float32, len(want))
		for r := range l.W.Rows {
			l.W.Row(got[r*cols:][:cols], r)
		}
		if !slices.EqualFunc(got, want, func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }) {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if copied != 1 {
		t.Errorf("%d weights were converted, want fc2's alone", copied)
	}
	if err := c.RequireAllUsed(); err != nil {
		t.Error(err)
	}
	if linear, holds := LinearPart("fc1.numbers"); linear != "fc1" || holds {
		t.Errorf("fc1.numbers is of %q, and holds its weights: %v", linear, holds)
	}
	p.LinearOf("fc1", false, 3, 3)
	wantError(t, p.Err(), "fc1.codes", "shape")
}
