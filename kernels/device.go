package kernels

import (
	"fmt"
	"math"
)

// Device is what a model computes on: memory, and operations over whole arrays in it, each backward beside its forward. The CPU
// is one (kernels/cpu), one that knows shapes only another (kernels/meta).
//
// Every operation writes its first operands and reads the others. Arrays may be windows of wider ones. Gradients, named d and
// what they belong to, are added to; all that an operation adds up it adds in one written order, whatever the threads. Operands
// are passed by value, and an operation allocates nothing on the host that it does not keep for the next.
//
// Operations may come back before they are done; Download waits for what it downloads. What goes wrong on a device is an error of the next
// Download. A device is safe for concurrent use, by runs that share only what they read.
type Device interface {
	// Computes reports whether there are numbers in the device's memory. A meta device has none: its operations do nothing, and
	// reading back is an error.
	Computes() bool
	// OnHost reports whether the device's memory is the program's own: what lies there need not be uploaded.
	OnHost() bool

	// Alloc is memory for n floats, whose contents are undefined.
	Alloc(n int) (Buffer, error)
	// Free gives an allocation back at once. Without it, it goes when nothing points at it any more.
	Free(b Buffer)
	// Upload copies src, row after row, into dst. It does not keep the slice.
	Upload(dst Array, src []float32) error
	// Download copies src, row after row, into dst.
	Download(dst []float32, src Array) error
	// DownloadAll is Download of each, waiting once.
	DownloadAll(copies []Download) error
	// HasArithmetic reports whether the device has products of that arithmetic.
	HasArithmetic(a Arithmetic) bool
	// PlaceWeight puts a weight where products read it. The matrix stays as it is for as long as the weight is used. A weight
	// whose products have an arithmetic that the device has not is refused: see [RefuseArithmetic].
	PlaceWeight(w Matrix) (Placed, error)

	// Affine is dst = x Wᵀ + bias, with W (out, in); an empty bias is none.
	Affine(dst, x Array, w Placed, bias Buffer)
	// MatMul is the product that form names: see [Form].
	MatMul(dst, x Array, w Placed, form Form)
	// SumRows adds the rows of x to dst, the first row first: the backward of a bias.
	SumRows(dst Buffer, x Array)

	// LayerNorm makes the mean of each row of x 0 and its variance 1, then scales it by weight and shifts it by bias.
	LayerNorm(dst, x Array, weight, bias Buffer, eps float32)
	// LayerNormBackward is the backward of LayerNorm.
	LayerNormBackward(g NormGrad)
	// RMSNorm divides each row of x by its root mean square, then scales it by weight.
	RMSNorm(dst, x Array, weight Buffer, eps float32)
	// RMSNormBackward is the backward of RMSNorm.
	RMSNormBackward(g NormGrad)

	// Activate is dst = f(x).
	Activate(f Activation, dst, x Array)
	// ActivateBackward adds dy*f'(x) to dx.
	ActivateBackward(f Activation, dx, x, dy Array)
	// SwiGLU is dst = silu(gate) * up.
	SwiGLU(dst, gate, up Array)
	// SwiGLUBackward adds to dgate and dup, either of which may be empty.
	SwiGLUBackward(dgate, dup, gate, up, dy Array)

	// Add is dst = a + b. dst may be an operand; it is then its own backward.
	Add(dst, a, b Array)
	// Scale is dst = x*s. dst may be x.
	Scale(dst, x Array, s float32)
	// AddScaled is dst = a + x*s, the product rounded first. dst may be an operand.
	AddScaled(dst, a, x Array, s float32)
	// ScaleColumns is dst = x with column j times gain[j]. The gradient of x is ScaleColumns of dy.
	ScaleColumns(dst, x Array, gain Buffer)
	// ScaleColumnsBackward adds to dgain[j] the sum over the rows of dy*x, over lengths[j]: the gradient of what lengths divide to a
	// gain.
	ScaleColumnsBackward(dgain Buffer, x, dy Array, lengths Buffer)
	// Dropout is dst = x with a part p of its elements 0 and the others over 1-p. Element i of the rows one after the other goes
	// where Mix64(key+i) says so. It is its own backward.
	Dropout(dst, x Array, key uint64, p float32)
	// Clear sets x to 0.
	Clear(x Array)

	// CosSin is the cosines and sines of angles in radians.
	CosSin(cos, sin, angles Array)
	// Rotate turns each head of x, twice as wide as cos, by the angles of its row: x*cos + rotate_half(x)*sin.
	Rotate(dst, x, cos, sin Array)
	// RotateBackward turns dy back and adds it to dx.
	RotateBackward(dx, dy, cos, sin Array)

	// Gather is dst[i] = table[ids[i]], in float32. Its backward is AddRows.
	Gather(dst Array, table Placed, ids []int)
	// CopyRows is dst[to[i]] = src[from[i]]; nil stands for 0, 1, 2 and so on. No row may be twice in to: which one stays is undefined.
	CopyRows(dst Array, to []int, src Array, from []int)
	// AddRows is CopyRows that adds, in the order of i.
	AddRows(dst Array, to []int, src Array, from []int)
	// MeanRows is the mean of the rows of x, summed in order.
	MeanRows(dst, x Array)
	// MeanRowsBackward adds dy, over the number of rows, to each row of dx.
	MeanRowsBackward(dx, dy Array)

	// CrossEntropy sets probs to the softmax of the rows of logits, and losses, on the host, to -log probs[label]. Rows with a
	// label below 0 are left out.
	CrossEntropy(losses []float64, probs, logits Array, labels []int) error
	// CrossEntropyBackward adds (probs - onehot(label)) * scale to dlogits.
	CrossEntropyBackward(dlogits, probs Array, labels []int, scale float32)

	// Attend computes an attention. An error is one of its inspector, or a failure of the device.
	Attend(a *Attention) error
	// AttendBackward computes the gradients of an attention's parts.
	AttendBackward(a *Attention) error

	// RowLengths is dst[i] = ‖w[first+i] + scale*delta[i]‖ for the rows of delta, the squares summed in double precision and in
	// order.
	RowLengths(dst Buffer, w Placed, first int, delta Array, scale float32)
	// ColumnSquares adds to sums, on the host, the squares of the columns of what RowLengths measures, row after row.
	ColumnSquares(sums []float64, w Placed, first int, delta Array, scale float32) error

	// AdamW takes one step of torch.optim.AdamW: x is what learns, m and v are its moments.
	AdamW(x, grad, m, v Buffer, s AdamWStep)
	// FirstNonFinite is the row and column of the first infinity or NaN of x; row -1 for none.
	FirstNonFinite(x Array) (row, col int)
	// FindNonFinite is FirstNonFinite of each row of x, without waiting for it: what [ReadNonFinite] reads, once it was downloaded, goes to
	// found, [NonFiniteFloats] for each row. x may be written over after it.
	FindNonFinite(found Buffer, x Array)
}

// Download is a copy of src, row after row, to dst, on the host.
type Download struct {
	Dst []float32
	Src Array
}

// NonFiniteFloats is how many floats FindNonFinite writes for a row: the bits of the column, those of -1 where all numbers are finite, and
// then the number.
const NonFiniteFloats = 2

// ReadNonFinite is the column of the first infinity or NaN of a row, and the number; column -1 for none.
func ReadNonFinite(found []float32, row int) (col int, value float32) {
	f := found[NonFiniteFloats*row:][:NonFiniteFloats]
	return int(int32(math.Float32bits(f[0]))), f[1]
}

// WriteNonFinite is what ReadNonFinite reads.
func WriteNonFinite(found []float32, row, col int, value float32) {
	f := found[NonFiniteFloats*row:][:NonFiniteFloats]
	f[0], f[1] = math.Float32frombits(uint32(int32(col))), value
}

// Activation is a function of one number.
type Activation uint8

// The activations: QuickGELU is x*sigmoid(1.702x), GELU the exact form (Hendrycks and Gimpel, arXiv 1606.08415).
const (
	ActivationQuickGELU Activation = iota
	ActivationGELU
)

// NormGrad are the operands of a norm's backward: DX is added to, and DWeight and DBias unless they are empty. Mean and Root are
// memory for a number of each row.
type NormGrad struct {
	DX, X, DY      Array
	Weight         Buffer
	Eps            float32
	DWeight, DBias Buffer
	Mean, Root     Buffer
}

// AdamWStep is the numbers of one step, with g = grad*Scale: m += (g-m)*Beta1, v = v*Beta2 + g²*Rest2, and then
// x = x*Keep - Rate * m/(sqrt(v)*Root + Eps), every product rounded before it is added.
type AdamWStep struct{ Keep, Scale, Rate, Root, Eps, Beta1, Beta2, Rest2 float32 }

// RefuseArithmetic is the error of a device that is to place a weight whose products it has not; nil where it has them.
func RefuseArithmetic(dev Device, w Matrix) error {
	a := w.Arithmetic()
	if dev.HasArithmetic(a) {
		return nil
	}
	return fmt.Errorf("a weight of (%d, %d) is for products of %s, which this device has not; load the model on a device that has them, or in another precision", w.Rows, w.Cols, a)
}

// PlaceVector puts x, a bias or the weight of a norm, where a device reads it: it is used and not copied where that is the host.
func PlaceVector(dev Device, x []float32) (Buffer, error) {
	b, err := dev.Alloc(len(x))
	if err != nil {
		return b, err
	}
	if b.OnHost() {
		return HostBuffer(x), nil
	}
	return b, dev.Upload(b.Row(), x)
}

// Floats is the numbers of a buffer where the host can read them: where they lie, or a copy.
func Floats(b Buffer) ([]float32, error) {
	if b.OnHost() {
		return b.Host(), nil
	}
	out := make([]float32, b.Len())
	return out, b.Owner().Download(out, b.Row())
}
