//go:build cuda && linux && cgo

package cuda

import (
	"fmt"
	"unsafe"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/num"
)

// crossEntropyArgs is struct CrossEntropy of the kernels.
type crossEntropyArgs struct {
	probs, logits, labels, parts address
	probsRow, logitsRow          int64
	rows, cols                   int32
	scale                        float32
	unused                       int32
}

// CrossEntropy sets probs to the softmax of the rows of logits, and losses, on the host, to -log probs[label]. Rows with a label below 0
// are left out.
func (d *Device) CrossEntropy(losses []float64, probs, logits kernels.Array, labels []int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if logits.Rows == 0 || logits.Cols == 0 || d.err != nil {
		return d.err
	}
	a := d.crossEntropy(probs, logits, labels)
	a.parts = d.grow(scratchFound, 12*logits.Rows)
	launch(d, "cross_entropy", [3]int{logits.Rows, 1, 1}, rowBlock, a)
	parts := make([][3]float32, logits.Rows)
	if d.err == nil {
		d.down(unsafe.Pointer(&parts[0]), a.parts, 12*logits.Rows)
	}
	if d.err != nil {
		return d.err
	}
	for i, p := range parts {
		if labels[i] >= 0 {
			losses[i] = float64(p[0]) - float64(p[1]) - num.Log(float64(p[2]))
		}
	}
	return nil
}

// crossEntropy are the operands of both ways. d.mu is held.
func (d *Device) crossEntropy(probs, logits kernels.Array, labels []int) crossEntropyArgs {
	for _, l := range labels {
		if l >= logits.Cols {
			d.fail(fmt.Errorf("cuda: label %d of %d", l, logits.Cols))
		}
	}
	a := crossEntropyArgs{labels: d.ids(logits.Rows, 0, labels)[0], rows: int32(logits.Rows), cols: int32(logits.Cols)}
	a.probs, a.probsRow = d.array(probs)
	a.logits, a.logitsRow = d.array(logits)
	return a
}

// CrossEntropyBackward adds (probs - onehot(label)) * scale to dlogits.
func (d *Device) CrossEntropyBackward(dlogits, probs kernels.Array, labels []int, scale float32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if probs.Rows == 0 || probs.Cols == 0 || d.err != nil {
		return
	}
	a := d.crossEntropy(dlogits, probs, labels)
	a.scale = scale
	launch(d, "cross_entropy_backward", flat(probs.Rows*probs.Cols), flatThreads, a)
}

// columnGainsArgs is struct ColumnGains of the kernels.
type columnGainsArgs struct {
	gain, x, dy, lengths address
	xRow, dyRow          int64
	rows, cols           int32
}

// ScaleColumnsBackward adds to dgain[j] the sum over the rows of dy*x, over lengths[j].
func (d *Device) ScaleColumnsBackward(dgain kernels.Buffer, x, dy kernels.Array, lengths kernels.Buffer) {
	d.mu.Lock()
	defer d.mu.Unlock()
	a := columnGainsArgs{gain: d.at(dgain), lengths: d.at(lengths), rows: int32(dy.Rows), cols: int32(dgain.Len())}
	a.x, a.xRow = d.array(x)
	a.dy, a.dyRow = d.array(dy)
	launch(d, "scale_columns_backward", flat(dgain.Len()), flatThreads, a)
}

// lengthsArgs is struct Lengths of the kernels.
type lengthsArgs struct {
	lengths, sums, w  address
	panels            panelsArgs
	delta             address
	wRow, deltaRow    int64
	first, rows, cols int32
	scale             float32
}

// lengthsOf are the operands of RowLengths and ColumnSquares, and the name of the kernel. d.mu is held.
func (d *Device) lengthsOf(placed kernels.Placed, first int, delta kernels.Array, scale float32) (string, lengthsArgs) {
	w := d.weightOf(placed)
	if delta.Cols != w.cols || first < 0 || first+delta.Rows > w.rows {
		d.fail(fmt.Errorf("cuda: rows %d to %d of %d numbers are not those of a weight of (%d, %d)", first, first+delta.Rows, delta.Cols, w.rows, w.cols))
	}
	a := lengthsArgs{w: w.at, panels: w.panels, wRow: w.row, first: int32(first), rows: int32(delta.Rows), cols: int32(delta.Cols), scale: scale}
	a.delta, a.deltaRow = d.array(delta)
	return w.lengths, a
}

// RowLengths is dst[i] = ‖w[first+i] + scale*delta[i]‖, the squares summed in double precision and in order.
func (d *Device) RowLengths(dst kernels.Buffer, w kernels.Placed, first int, delta kernels.Array, scale float32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if delta.Rows == 0 {
		return
	}
	name, a := d.lengthsOf(w, first, delta, scale)
	a.lengths = d.at(dst)
	launch(d, name, flat(delta.Rows), flatThreads, a)
}

// ColumnSquares adds to sums, on the host, the squares of the columns of what RowLengths measures, row after row.
func (d *Device) ColumnSquares(sums []float64, w kernels.Placed, first int, delta kernels.Array, scale float32) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(sums) == 0 || delta.Rows == 0 {
		return d.err
	}
	name, a := d.lengthsOf(w, first, delta, scale)
	a.sums = d.grow(scratchFound, 8*len(sums))
	if d.err == nil {
		d.up(a.sums, unsafe.Pointer(&sums[0]), 8*len(sums))
	}
	launch(d, name, flat(len(sums)), flatThreads, a)
	if d.err == nil {
		d.down(unsafe.Pointer(&sums[0]), a.sums, 8*len(sums))
	}
	return d.err
}

// adamWArgs is struct AdamW of the kernels.
type adamWArgs struct {
	x, grad, m, v address
	n             int64
	step          kernels.AdamWStep
}

// AdamW takes one step of torch.optim.AdamW: x is what learns, m and v are its moments.
func (d *Device) AdamW(x, grad, m, v kernels.Buffer, s kernels.AdamWStep) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for lo := 0; lo < x.Len(); lo += mostLearned {
		n, at := min(mostLearned, x.Len()-lo), 4*address(lo)
		launch(d, "adamw", flat(n), flatThreads, adamWArgs{d.at(x) + at, d.at(grad) + at, d.at(m) + at, d.at(v) + at, int64(n), s})
	}
}

// mostLearned is how many numbers one launch of adamw changes: 7 GB go up and down, a tenth of what a watchdog lets pass. Tests make it smaller.
var mostLearned = 1 << 28
