package kernels

import "fmt"

// Buffer is float32 memory of a [Device], or nothing. Where that is the program's own memory, Host is the numbers themselves,
// without a copy; elsewhere only its device can do anything with it, and numbers come and go by Upload and Download.
type Buffer struct {
	host  []float32
	on    *Allocation // elsewhere: the memory that the buffer lies in
	at, n int         // elsewhere: its place there, in floats
}

// Allocation is memory that a device gave out and that is not the program's own. Buffers point at it, so that the device can tell when
// nothing does any more (runtime.AddCleanup): device memory goes as the program's own does.
type Allocation struct {
	Handle uintptr // what the device calls it
	Floats int
	Owner  Device // the device whose memory it is: another can do nothing with it
}

// HostBuffer is the program's memory x as a buffer.
func HostBuffer(x []float32) Buffer { return Buffer{host: x} }

// DeviceBuffer is all of an allocation.
func DeviceBuffer(a *Allocation) Buffer { return Buffer{on: a, n: a.Floats} }

// Len is the number of floats.
func (b Buffer) Len() int {
	if b.on != nil {
		return b.n
	}
	return len(b.host)
}

// None reports whether there is no memory: a gradient that nobody wants, a bias that is not there.
func (b Buffer) None() bool { return b.on == nil && b.host == nil }

// OnHost reports whether the memory is the program's own.
func (b Buffer) OnHost() bool { return b.on == nil }

// Host is the numbers where they lie. It panics where the memory is a device's: what reads it on the host must download it first.
func (b Buffer) Host() []float32 {
	if b.on != nil {
		panic(fmt.Sprintf("kernels: %d floats of a device's memory are read as if they lay on the host; download them first", b.n))
	}
	return b.host
}

// Device is the allocation that the buffer lies in, and its place there in floats; nil on the host.
func (b Buffer) Device() (on *Allocation, at int) { return b.on, b.at }

// Owner is the device whose memory it is; nil on the host.
func (b Buffer) Owner() Device {
	if b.on == nil {
		return nil
	}
	return b.on.Owner
}

// Slice is floats [lo, hi), sharing memory.
func (b Buffer) Slice(lo, hi int) Buffer {
	if b.on == nil {
		return Buffer{host: b.host[lo:hi:hi]}
	}
	if lo < 0 || hi < lo || hi > b.n {
		panic(fmt.Sprintf("kernels: floats [%d, %d) of a buffer of %d", lo, hi, b.n))
	}
	return Buffer{on: b.on, at: b.at + lo, n: hi - lo}
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

// WeightFloats is a weight in float32 on the host, row after row, in memory of its own.
func WeightFloats(w Placed) ([]float32, error) {
	out := make([]float32, w.Rows*w.Cols)
	if dev := w.Learned.Buffer.Owner(); dev != nil {
		return out, dev.Download(out, w.Learned)
	}
	for r := range w.Rows {
		w.Row(out[r*w.Cols:], r)
	}
	return out, nil
}

// SetWeight makes w, a weight on dev of the shape of x, hold the numbers of x, which it may keep: where it learns in its place, and else
// as a weight that is placed anew.
func SetWeight(dev Device, w *Placed, x []float32) (err error) {
	if !w.Learned.Buffer.None() {
		return dev.Upload(w.Learned, x)
	}
	*w, err = dev.PlaceWeight(HostArray(w.Rows, w.Cols, x).Weight().Matrix)
	return err
}
