package tensor

import (
	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/num"
	"github.com/loupe-vl/loupe/kernels/vec"
)

// Rotary holds the cosines and sines of rotary position embedding, each (rows, head_dim/2): row i turns token i, and
// column j turns the pair (j, j+head_dim/2) (Su et al., arXiv 2104.09864; rotate_half of the reference).
type Rotary struct{ Cos, Sin Tensor }

// NewRotary computes the tables from the angles, (rows, head_dim/2) radians.
func (r *Run) NewRotary(angles Tensor) Rotary {
	rot := Rotary{Cos: r.New(angles.Rows, angles.Cols), Sin: r.New(angles.Rows, angles.Cols)}
	type work struct {
		angles Tensor
		rot    Rotary
	}
	rowsWith(r, angles.Rows, 32*angles.Cols, work{angles, rot}, func(w work, lo, hi int) {
		for i := lo; i < hi; i++ {
			c, s := w.rot.Cos.Row(i), w.rot.Sin.Row(i)
			for j, a := range w.angles.Row(i) {
				c[j], s[j] = num.Cos(a), num.Sin(a)
			}
		}
	})
	return rot
}

// Rotate turns each head of x, (rows, heads*head_dim), by the row's angles: x*cos + rotate_half(x)*sin.
func (r *Run) Rotate(x Tensor, rot Rotary) Tensor {
	out := r.New(x.Rows, x.Cols)
	if r.idle() {
		return out
	}
	type work struct {
		eng    *kernels.Engine
		out, x Tensor
		rot    Rotary
	}
	rowsWith(r, x.Rows, 2*x.Cols, work{r.eng, out, x, rot}, func(w work, lo, hi int) {
		d := 2 * w.rot.Cos.Cols
		for i := lo; i < hi; i++ {
			src, dst := w.x.Row(i), w.out.Row(i)
			for h := 0; h < len(src); h += d {
				w.eng.Rotate(dst[h:h+d], src[h:h+d], w.rot.Cos.Row(i), w.rot.Sin.Row(i))
			}
		}
	})
	if r.taping(false, x) {
		out, rot, d := r.WithGrad(out), rot, 2*rot.Cos.Cols
		r.record(func() {
			r.rows(x.Rows, 2*x.Cols, func(lo, hi int) {
				for i := lo; i < hi; i++ {
					dx, dy := x.GradRow(i), out.GradRow(i)
					for h := 0; h < len(dx); h += d {
						vec.RotateBackward(dx[h:h+d], dy[h:h+d], rot.Cos.Row(i), rot.Sin.Row(i))
					}
				}
			})
		})
		return out
	}
	return out
}
