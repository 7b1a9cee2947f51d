package kernels

import "fmt"

// Buffer is float32 memory of a [Device], or nothing. Where that is the program's own memory, Host is the numbers themselves,
// without a copy; elsewhere it is a handle with which only its device can do anything, and numbers come and go by Upload and
// Download.
type Buffer struct {
	host   []float32
	handle uintptr // elsewhere: what the device calls the memory that the buffer lies in
	at, n  int     // elsewhere: the buffer's place in it, in floats
}

// HostBuffer is the program's memory x as a buffer.
func HostBuffer(x []float32) Buffer { return Buffer{host: x} }

// HandleBuffer is floats [at, at+n) of what a device calls handle, which is not 0.
func HandleBuffer(handle uintptr, at, n int) Buffer { return Buffer{handle: handle, at: at, n: n} }

// Len is the number of floats.
func (b Buffer) Len() int {
	if b.handle != 0 {
		return b.n
	}
	return len(b.host)
}

// None reports whether there is no memory: a gradient that nobody wants, a bias that is not there.
func (b Buffer) None() bool { return b.handle == 0 && b.host == nil }

// OnHost reports whether the memory is the program's own.
func (b Buffer) OnHost() bool { return b.handle == 0 }

// Host is the numbers where they lie. It panics where the memory is a device's: what reads it there must download it first.
func (b Buffer) Host() []float32 {
	if b.handle != 0 {
		panic(fmt.Sprintf("kernels: %d floats of a device's memory are read as if they lay on the host; download them first", b.n))
	}
	return b.host
}

// Handle is what the device calls the memory, and the place in it in floats.
func (b Buffer) Handle() (handle uintptr, at int) { return b.handle, b.at }

// Slice is floats [lo, hi), sharing memory.
func (b Buffer) Slice(lo, hi int) Buffer {
	if b.handle == 0 {
		b.host = b.host[lo:hi:hi]
		return b
	}
	if lo < 0 || hi < lo || hi > b.n {
		panic(fmt.Sprintf("kernels: floats [%d, %d) of a buffer of %d", lo, hi, b.n))
	}
	return Buffer{handle: b.handle, at: b.at + lo, n: hi - lo}
}

// Row is the buffer as an array of one row.
func (b Buffer) Row() Array { return Array{Rows: 1, Cols: b.Len(), Stride: b.Len(), Buffer: b} }

// Array is a float32 matrix of (Rows, Cols) in a device's memory: element (r, c) is float r*Stride+c of the buffer. It is what
// the operations of a [Device] take; an array of one row and a stride of 0 stands for that row, as often as it is needed.
type Array struct {
	Rows, Cols, Stride int
	Buffer             Buffer
}

// HostArray is the program's memory x as a dense array.
func HostArray(rows, cols int, x []float32) Array {
	return Array{Rows: rows, Cols: cols, Stride: cols, Buffer: HostBuffer(x)}
}

// HostRow is row r where it lies on the host: see [Buffer.Host].
func (a Array) HostRow(r int) []float32 { return a.Buffer.Host()[r*a.Stride:][:a.Cols] }

// Window is the part of (rows, cols) whose first element is (r, c).
func (a Array) Window(r, c, rows, cols int) Array {
	out := Array{Rows: rows, Cols: cols, Stride: a.Stride}
	if rows > 0 && cols > 0 {
		at := r*a.Stride + c
		out.Buffer = a.Buffer.Slice(at, at+(rows-1)*a.Stride+cols)
	}
	return out
}

// Dense reports whether the rows lie one after the other.
func (a Array) Dense() bool { return a.Stride == a.Cols || a.Rows <= 1 }

// Placed is a weight where a device computes with it: [Device].PlaceWeight makes it. The matrix in it is for those who look at
// weights on the host; a device that has memory of its own computes with what it calls On.
type Placed struct {
	Matrix
	// Learned is the weight in float32 in the device's memory, where it may change: one that learns, or an activation on the right
	// of a product.
	Learned Array
	// On is what the device made of the matrix; nil where it computes with the matrix itself, or with Learned.
	On any
}

// Weight lets an array stand where a weight does. On the host its matrix is the array's memory.
func (a Array) Weight() Placed {
	m := Matrix{Layout: F32, Rows: a.Rows, Cols: a.Cols, Stride: a.Stride}
	if a.Buffer.OnHost() {
		m.F32 = a.Buffer.Host()
	}
	return Placed{Matrix: m, Learned: a}
}
