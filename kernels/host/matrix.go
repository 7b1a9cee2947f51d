package host

import "github.com/loupe-vl/loupe/kernels"

// Matrix is a float32 matrix of (Rows, Cols): element (r, c) is Data[r*Stride+c].
type Matrix struct {
	Rows, Cols, Stride int
	Data               []float32 // nil: there is none
}

// Of is an array where it lies. It panics where that is not the host.
func Of(a kernels.Array) Matrix { return Matrix{a.Rows, a.Cols, a.Stride, a.Buffer.Host()} }

// Dense is data as a matrix of (rows, cols).
func Dense(rows, cols int, data []float32) Matrix { return Matrix{rows, cols, cols, data[:rows*cols]} }

// Row is row r.
func (m Matrix) Row(r int) []float32 { return m.Data[r*m.Stride:][:m.Cols] }

// Slice is rows [lo, hi).
func (m Matrix) Slice(lo, hi int) Matrix { return m.window(lo*m.Stride, hi-lo, m.Cols) }

// Columns is columns [lo, hi).
func (m Matrix) Columns(lo, hi int) Matrix { return m.window(lo, m.Rows, hi-lo) }

func (m Matrix) window(at, rows, cols int) Matrix {
	out := Matrix{Rows: rows, Cols: cols, Stride: m.Stride}
	if rows > 0 && cols > 0 && m.Data != nil {
		out.Data = m.Data[at : at+(rows-1)*m.Stride+cols]
	}
	return out
}

// Array is the matrix as an array of the host.
func (m Matrix) Array() kernels.Array {
	return kernels.Array{Rows: m.Rows, Cols: m.Cols, Stride: m.Stride, Buffer: kernels.HostBuffer(m.Data)}
}

// View is the matrix as an operand of the kernels.
func (m Matrix) View() kernels.View {
	return kernels.View{Data: m.Data, Rows: m.Rows, Cols: m.Cols, RowStride: m.Stride, ColStride: 1}
}

// Transposed is the transpose of the matrix where it lies.
func (m Matrix) Transposed() kernels.View {
	return kernels.View{Data: m.Data, Rows: m.Cols, Cols: m.Rows, RowStride: 1, ColStride: m.Stride}
}

// Weight lets the matrix stand where a weight does.
func (m Matrix) Weight() kernels.Matrix {
	return kernels.Matrix{Layout: kernels.F32, F32: m.Data, Rows: m.Rows, Cols: m.Cols, Stride: m.Stride}
}
