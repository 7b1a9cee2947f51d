package kernels

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

	// Alloc is memory for n floats, 0 or what lay there before. Free gives it back; the program's own memory needs no Free.
	Alloc(n int) (Buffer, error)
	Free(b Buffer)
	// Upload copies src, row after row, into dst; Download copies src into dst. Neither keeps the slice.
	Upload(dst Array, src []float32) error
	Download(dst []float32, src Array) error
	// PlaceWeight puts a weight where products read it. The matrix stays as it is for as long as the weight is used.
	PlaceWeight(w Matrix) (Placed, error)

	// Affine is dst = x Wᵀ + bias, with W (out, in); an empty bias is none.
	Affine(dst, x Array, w Placed, bias Buffer)
	// MatMul is the product that form names: see [Form].
	MatMul(dst, x Array, w Placed, form Form)
	// SumRows adds the rows of x to dst, the first row first: the backward of a bias.
	SumRows(dst Buffer, x Array)

	// LayerNorm and RMSNorm normalize each row of x, then scale it by weight and, the first, shift it by bias.
	LayerNorm(dst, x Array, weight, bias Buffer, eps float32)
	LayerNormBackward(g NormGrad)
	RMSNorm(dst, x Array, weight Buffer, eps float32)
	RMSNormBackward(g NormGrad)

	// Activate is dst = f(x). Its backward adds dy*f'(x) to dx.
	Activate(f Activation, dst, x Array)
	ActivateBackward(f Activation, dx, x, dy Array)
	// SwiGLU is dst = silu(gate) * up. Its backward leaves out the gradient that is empty.
	SwiGLU(dst, gate, up Array)
	SwiGLUBackward(dgate, dup, gate, up, dy Array)

	// Add is dst = a + b, Scale is dst = x*s, and AddScaled is dst = a + x*s, the product rounded first. dst may be an operand.
	Add(dst, a, b Array)
	Scale(dst, x Array, s float32)
	AddScaled(dst, a, x Array, s float32)
	// ScaleColumns is dst = x with column j times gain[j]. Its backward adds the sum over the rows of dy*x, over lengths[j], to
	// dgain[j], the gradient of a gain that is divided by lengths; that of x is ScaleColumns of dy.
	ScaleColumns(dst, x Array, gain Buffer)
	ScaleColumnsBackward(dgain Buffer, x, dy Array, lengths Buffer)
	// Dropout is dst = x with a part p of its elements 0 and the others over 1-p: element i goes where the counter-based
	// generator says so for key+i. It is its own backward.
	Dropout(dst, x Array, key uint64, p float32)
	// Clear sets x to 0.
	Clear(x Array)

	// CosSin are the cosines and sines of angles in radians. Rotate turns each head of x, twice as wide as cos, by the angles of its
	// row: x*cos + rotate_half(x)*sin. Its backward turns dy back and adds it to dx.
	CosSin(cos, sin, angles Array)
	Rotate(dst, x, cos, sin Array)
	RotateBackward(dx, dy, cos, sin Array)

	// Gather is dst[i] = table[ids[i]]. Its backward is AddRows.
	Gather(dst Array, table Placed, ids []int)
	// CopyRows is dst[to[i]] = src[from[i]], AddRows adds in place of copying, in the order of i; nil stands for 0, 1, 2 and so on.
	CopyRows(dst Array, to []int, src Array, from []int)
	AddRows(dst Array, to []int, src Array, from []int)
	// MeanRows is the mean of the rows of x, summed in order. Its backward adds dy over the number of rows to each row of dx.
	MeanRows(dst, x Array)
	MeanRowsBackward(dx, dy Array)

	// CrossEntropy sets probs to the softmax of the rows of logits, and losses, on the host, to -log probs[label]; rows with a label below
	// 0 are left out. Its backward adds (probs - onehot(label)) * scale to dlogits.
	CrossEntropy(losses []float64, probs, logits Array, labels []int) error
	CrossEntropyBackward(dlogits, probs Array, labels []int, scale float32)

	// Attend computes an attention, AttendBackward the gradients of its parts. An error is one of the inspector.
	Attend(a *Attention) error
	AttendBackward(a *Attention) error

	// RowLengths is dst[i] = ‖w[first+i] + scale*delta[i]‖ for the rows of delta, ColumnSquares adds the squares of the columns of these
	// rows to sums, on the host: both in double precision, in order.
	RowLengths(dst Buffer, w Placed, first int, delta Array, scale float32)
	ColumnSquares(sums []float64, w Placed, first int, delta Array, scale float32) error

	// AdamW takes one step of torch.optim.AdamW: x is what learns, m and v are its moments.
	AdamW(x, grad, m, v Buffer, s AdamWStep)
	// FirstNonFinite is the row and column of the first infinity or NaN of x; row -1 for none.
	FirstNonFinite(x Array) (row, col int)
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
