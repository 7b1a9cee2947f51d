//go:build cuda && linux && cgo

package cuda

import (
	"fmt"
	"math"
	"testing"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/num"
	"github.com/loupe-vl/loupe/kernels/vec"
)

// widths are those of rows around 16 lanes and 128 threads.
var widths = []int{1, 2, 15, 16, 17, 31, 127, 128, 129, 300}

// eachRow applies f to the rows of (rows, cols) arrays.
func eachRow(rows, cols int, f func(row func(x []float32) []float32)) {
	for i := range rows {
		f(func(x []float32) []float32 { return x[i*cols : (i+1)*cols] })
	}
}

func TestNorms(t *testing.T) {
	const rows, eps = 3, 1e-6
	inOrders(t, func(t *testing.T, d *Device) {
		for i, n := range widths {
			r := newDice(uint64(n))
			values := i % valueKinds
			x, dy, w, b, dx := r.floats(rows*n, values), r.floats(rows*n, ordinary), r.floats(n, ordinary), r.floats(n, ordinary), r.floats(rows*n, ordinary)
			on, wOn, bOn := up(t, d, rows, n, 1, x), buffer(t, d, w), buffer(t, d, b)
			what := fmt.Sprintf("%d columns, %s", n, valueNames[values])

			want, dst := make([]float32, rows*n), up(t, d, rows, n, 0, nil)
			eachRow(rows, n, func(row func([]float32) []float32) { vec.LayerNorm(row(want), row(x), w, b, eps) })
			d.LayerNorm(dst, on, wOn, bOn, eps)
			same(t, "layer norm, "+what, down(t, d, dst), want)
			eachRow(rows, n, func(row func([]float32) []float32) { vec.RMSNorm(row(want), row(x), w, eps) })
			d.RMSNorm(dst, on, wOn, eps)
			same(t, "RMS norm, "+what, down(t, d, dst), want)

			for _, rms := range []bool{false, true} {
				wantX, wantW, wantB := append([]float32(nil), dx...), append([]float32(nil), w...), append([]float32(nil), b...)
				eachRow(rows, n, func(row func([]float32) []float32) {
					var mean, root float32
					if rms {
						root = vec.RMSNormBackward(row(wantX), row(x), w, row(dy), eps)
					} else {
						mean, root = vec.LayerNormBackward(row(wantX), row(x), w, row(dy), eps)
					}
					for c, g := range row(dy) {
						wantW[c] += float32(g * float32((row(x)[c]-mean)*root))
						wantB[c] += g
					}
				})
				g := kernels.NormGrad{
					DX: up(t, d, rows, n, 2, dx), X: on, DY: up(t, d, rows, n, 0, dy), Weight: wOn, Eps: eps,
					DWeight: buffer(t, d, w), DBias: buffer(t, d, b), Mean: up(t, d, 1, rows, 0, nil).Buffer, Root: up(t, d, 1, rows, 0, nil).Buffer,
				}
				if rms {
					d.RMSNormBackward(g)
				} else {
					d.LayerNormBackward(g)
				}
				what := fmt.Sprintf("backward, RMS %v, %s", rms, what)
				same(t, what, down(t, d, g.DX), wantX)
				same(t, what+", weight", down(t, d, g.DWeight.Row()), wantW)
				same(t, what+", bias", down(t, d, g.DBias.Row()), wantB)
			}
		}
	})
}

// curve are numbers at which functions change: around every bound of theirs, of either sign, denormal and not finite.
func curve() []float32 {
	x := []float32{0, float32(math.Copysign(0, -1)), 0.9, math.Nextafter32(0.9, 0), 1, 4, 4.5, 88.7, 88.8, 89, 90, 103.9, 104, 105, 1e30, math.MaxFloat32, math.SmallestNonzeroFloat32, 0x1p-126, 1e-20, float32(math.Inf(1)), float32(math.NaN())}
	r := newDice(5)
	for range 200 {
		x = append(x, float32(r.NormFloat64()*math.Exp(r.Float64()*8-4)))
	}
	for _, v := range x {
		x = append(x, -v)
	}
	return x
}

func TestActivations(t *testing.T) {
	x := curve()
	rows, cols := 2, len(x)/2
	r := newDice(6)
	up2, dy, grad := r.floats(len(x), ordinary), r.floats(len(x), ordinary), r.floats(len(x), ordinary)
	inOrders(t, func(t *testing.T, d *Device) {
		on, upOn, dyOn := up(t, d, rows, cols, 3, x), up(t, d, rows, cols, 0, up2), up(t, d, rows, cols, 1, dy)
		want := make([]float32, len(x))
		for name, f := range map[string]struct {
			a     kernels.Activation
			plain func(dst, x []float32)
			back  func(dx, x, dy []float32)
		}{"QuickGELU": {kernels.ActivationQuickGELU, vec.QuickGELU, vec.QuickGELUBackward}, "GELU": {kernels.ActivationGELU, vec.GELU, vec.GELUBackward}} {
			dst, dx := up(t, d, rows, cols, 0, nil), up(t, d, rows, cols, 0, grad)
			f.plain(want, x)
			d.Activate(f.a, dst, on)
			same(t, name, down(t, d, dst), want)
			copy(want, grad)
			f.back(want, x, dy)
			d.ActivateBackward(f.a, dx, on, dyOn)
			same(t, name+" backward", down(t, d, dx), want)
		}
		dst, dGate, dUp := up(t, d, rows, cols, 0, nil), up(t, d, rows, cols, 0, grad), up(t, d, rows, cols, 0, grad)
		vec.SwiGLU(want, x, up2)
		d.SwiGLU(dst, on, upOn)
		same(t, "SwiGLU", down(t, d, dst), want)
		wantGate, wantUp := append([]float32(nil), grad...), append([]float32(nil), grad...)
		vec.SwiGLUBackward(wantGate, wantUp, x, up2, dy)
		d.SwiGLUBackward(dGate, dUp, on, upOn, dyOn)
		d.SwiGLUBackward(kernels.Array{}, kernels.Array{}, on, upOn, dyOn)
		same(t, "SwiGLU backward, gate", down(t, d, dGate), wantGate)
		same(t, "SwiGLU backward, up", down(t, d, dUp), wantUp)
	})
}

func TestRotaryAndAngles(t *testing.T) {
	inOrders(t, func(t *testing.T, d *Device) {
		const rows, half, heads = 5, 9, 3
		r := newDice(8)
		angles := r.floats(rows*half, ordinary)
		for i := range angles {
			angles[i] *= float32(math.Pow(10, float64(i%7)))
		}
		cos, sin := make([]float32, len(angles)), make([]float32, len(angles))
		for i, a := range angles {
			cos[i], sin[i] = num.Cos(a), num.Sin(a)
		}
		cosOn, sinOn := up(t, d, rows, half, 0, nil), up(t, d, rows, half, 1, nil)
		d.CosSin(cosOn, sinOn, up(t, d, rows, half, 0, angles))
		same(t, "cosines", down(t, d, cosOn), cos)
		same(t, "sines", down(t, d, sinOn), sin)

		const n = 2 * half * heads
		x, grad := r.floats(rows*n, canceling), r.floats(rows*n, ordinary)
		want, back := make([]float32, rows*n), append([]float32(nil), grad...)
		for i := range rows {
			c, s := cos[i*half:][:half], sin[i*half:][:half]
			for h := i * n; h < (i+1)*n; h += 2 * half {
				vec.Rotate(want[h:h+2*half], x[h:h+2*half], c, s)
				vec.RotateBackward(back[h:h+2*half], x[h:h+2*half], c, s)
			}
		}
		on, dst, dx := up(t, d, rows, n, 5, x), up(t, d, rows, n, 0, nil), up(t, d, rows, n, 0, grad)
		d.Rotate(dst, on, cosOn, sinOn)
		same(t, "rotated", down(t, d, dst), want)
		d.RotateBackward(dx, on, cosOn, sinOn)
		same(t, "turned back", down(t, d, dx), back)
	})
}

func TestElementwise(t *testing.T) {
	inOrders(t, func(t *testing.T, d *Device) {
		const rows, cols, s = 7, 41, 0.3
		r := newDice(11)
		a, b, gain := r.floats(rows*cols, nonFinite), r.floats(rows*cols, denormal), r.floats(cols, ordinary)
		want := map[string][]float32{}
		for i := range a {
			want["add"] = append(want["add"], a[i]+b[i])
			want["scale"] = append(want["scale"], a[i]*s)
			want["add scaled"] = append(want["add scaled"], a[i]+float32(b[i]*s))
			want["scale columns"] = append(want["scale columns"], a[i]*gain[i%cols])
			want["clear"] = append(want["clear"], 0)
			v := float32(0)
			if mix64(77+uint64(i))>>32 >= uint64(float64(float32(0.25))*(1<<32)) {
				v = a[i] * (1 / (1 - float32(0.25)))
			}
			want["dropout"] = append(want["dropout"], v)
			want["one row"] = append(want["one row"], a[i]+b[i%cols])
		}
		aOn, bOn, gainOn := up(t, d, rows, cols, 0, a), up(t, d, rows, cols, 2, b), buffer(t, d, gain)
		for name, f := range map[string]func(dst kernels.Array){
			"add":           func(dst kernels.Array) { d.Add(dst, aOn, bOn) },
			"scale":         func(dst kernels.Array) { d.Scale(dst, aOn, s) },
			"add scaled":    func(dst kernels.Array) { d.AddScaled(dst, aOn, bOn, s) },
			"scale columns": func(dst kernels.Array) { d.ScaleColumns(dst, aOn, gainOn) },
			"clear":         func(dst kernels.Array) { d.Clear(dst) },
			"dropout":       func(dst kernels.Array) { d.Dropout(dst, aOn, 77, 0.25) },
			"one row": func(dst kernels.Array) {
				row := bOn.Window(0, 0, 1, cols)
				row.Stride = 0
				d.Add(dst, aOn, row)
			},
		} {
			dst := up(t, d, rows, cols, 1, b)
			f(dst)
			same(t, name, down(t, d, dst), want[name])
		}
	})
}

// mix64 is the finalizer of SplitMix64.
func mix64(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
