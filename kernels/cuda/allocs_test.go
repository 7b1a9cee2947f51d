//go:build cuda && linux && cgo

package cuda

import (
	"testing"

	"github.com/loupe-vl/loupe/kernels"
)

// TestNoAllocations: what decoding launches allocates nothing, once each kernel has run and scratch has grown.
func TestNoAllocations(t *testing.T) {
	d := open(t)
	r := newDice(4)
	const n = 64
	place := func(m kernels.Matrix) kernels.Placed {
		p, err := d.PlaceWeight(m)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	exact, rounded := place(r.matrix(kernels.BF16, n, n, 0, ordinary)), place(r.matrix(kernels.BF16Products, n, n, 0, ordinary))
	mma := place(r.matrix(kernels.BF16MMA, n, n, 0, ordinary))
	packed, err := reference.Quantize(r.matrix(kernels.F32, n, n, 0, ordinary), kernels.Quantizing{Bits: 4, Group: 32})
	if err != nil {
		t.Fatal(err)
	}
	int4 := place(packed.Matrix())
	x, y, v := up(t, d, 1, n, 0, r.floats(n, ordinary)), up(t, d, 1, n, 0, nil), buffer(t, d, r.floats(n, ordinary))
	page := up(t, d, 9, 16, 0, r.floats(9*16, ordinary))
	a := &kernels.Attention{Heads: 8, KVHeads: 2, To: 8, Parts: []kernels.AttentionPart{{Q: x, Out: y, K: []kernels.Array{page}, V: []kernels.Array{page}, First: 9}}}
	pair := []kernels.Array{y, x}
	for name, f := range map[string]func(){
		"exact":     func() { d.Affine(y, x, exact, v) },
		"bf16":      func() { d.Affine(y, x, rounded, v) },
		"bf16-mma":  func() { d.Affine(y, x, mma, v) },
		"int4":      func() { d.Affine(y, x, int4, v) },
		"norm":      func() { d.RMSNorm(y, x, v, 1e-6) },
		"add":       func() { d.Add(y, x, x) },
		"SwiGLU":    func() { d.SwiGLU(y, x, x) },
		"rotary":    func() { d.Rotate(y, x, x.Window(0, 0, 1, 4), x.Window(0, 4, 1, 4)) },
		"attention": func() { _ = d.Attend(a) },
		"copies":    func() { d.CopyArrays(pair[:1], pair[1:]) },
		"copy":      func() { d.CopyRows(y, nil, x, nil) },
	} {
		if got := testing.AllocsPerRun(50, f); got != 0 {
			t.Errorf("%s allocates %v times", name, got)
		}
	}
	if err := d.Err(); err != nil {
		t.Fatal(err)
	}
}
