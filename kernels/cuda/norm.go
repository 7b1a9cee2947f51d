//go:build cuda && linux && cgo

package cuda

import "github.com/loupe-vl/loupe/kernels"

// normArgs is struct Norm of the kernels.
type normArgs struct {
	dst, x, dy, weight, bias address
	mean, root               address
	dstRow, xRow, dyRow      int64
	rows, cols               int32
	eps                      float32
	unused                   int32
}

const rowBlock = 128 // threads of a row

// LayerNorm makes the mean of each row of x 0 and its variance 1, then scales it by weight and shifts it by bias.
func (d *Device) LayerNorm(dst, x kernels.Array, weight, bias kernels.Buffer, eps float32) {
	d.norm("layer_norm", dst, x, weight, bias, eps)
}

// RMSNorm divides each row of x by its root mean square, then scales it by weight.
func (d *Device) RMSNorm(dst, x kernels.Array, weight kernels.Buffer, eps float32) {
	d.norm("rms_norm", dst, x, weight, kernels.Buffer{}, eps)
}

func (d *Device) norm(name string, dst, x kernels.Array, weight, bias kernels.Buffer, eps float32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if x.Rows == 0 || x.Cols == 0 {
		return
	}
	d.sameShape(name, x, dst)
	a := normArgs{weight: d.at(weight), bias: d.at(bias), rows: int32(x.Rows), cols: int32(x.Cols), eps: eps}
	a.dst, a.dstRow = d.array(dst)
	a.x, a.xRow = d.array(x)
	launch(d, name, [3]int{x.Rows, 1, 1}, rowBlock, a)
}

// LayerNormBackward is the backward of LayerNorm.
func (d *Device) LayerNormBackward(g kernels.NormGrad) { d.normBackward("layer_norm_backward", g) }

// RMSNormBackward is the backward of RMSNorm.
func (d *Device) RMSNormBackward(g kernels.NormGrad) { d.normBackward("rms_norm_backward", g) }

// normWeightsArgs is struct NormWeights of the kernels.
type normWeightsArgs struct {
	weight, bias, x, dy, mean, root address
	xRow, dyRow                     int64
	rows, cols                      int32
}

func (d *Device) normBackward(name string, g kernels.NormGrad) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if g.X.Rows == 0 || g.X.Cols == 0 {
		return
	}
	d.sameShape(name, g.X, g.DX)
	d.sameShape(name, g.X, g.DY)
	a := normArgs{weight: d.at(g.Weight), mean: d.at(g.Mean), root: d.at(g.Root), rows: int32(g.X.Rows), cols: int32(g.X.Cols), eps: g.Eps}
	a.dst, a.dstRow = d.array(g.DX)
	a.x, a.xRow = d.array(g.X)
	a.dy, a.dyRow = d.array(g.DY)
	launch(d, name, [3]int{g.X.Rows, 1, 1}, rowBlock, a)
	if g.DWeight.None() {
		return
	}
	w := normWeightsArgs{weight: d.at(g.DWeight), bias: d.at(g.DBias), x: a.x, dy: a.dy, mean: a.mean, root: a.root, xRow: a.xRow, dyRow: a.dyRow, rows: a.rows, cols: a.cols}
	launch(d, "norm_weights_backward", flat(g.X.Cols), flatThreads, w)
}
