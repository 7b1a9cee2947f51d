package meta

import "github.com/loupe-vl/loupe/kernels"

// Affine does nothing.
func (Device) Affine(kernels.Array, kernels.Array, kernels.Placed, kernels.Buffer) {}

// MatMul does nothing.
func (Device) MatMul(kernels.Array, kernels.Array, kernels.Placed, kernels.Form) {}

// SumRows does nothing.
func (Device) SumRows(kernels.Buffer, kernels.Array) {}

// LayerNorm does nothing.
func (Device) LayerNorm(kernels.Array, kernels.Array, kernels.Buffer, kernels.Buffer, float32) {}

// LayerNormBackward does nothing.
func (Device) LayerNormBackward(kernels.NormGrad) {}

// RMSNorm does nothing.
func (Device) RMSNorm(kernels.Array, kernels.Array, kernels.Buffer, float32) {}

// RMSNormBackward does nothing.
func (Device) RMSNormBackward(kernels.NormGrad) {}

// Activate does nothing.
func (Device) Activate(kernels.Activation, kernels.Array, kernels.Array) {}

// ActivateBackward does nothing.
func (Device) ActivateBackward(kernels.Activation, kernels.Array, kernels.Array, kernels.Array) {}

// SwiGLU does nothing.
func (Device) SwiGLU(kernels.Array, kernels.Array, kernels.Array) {}

// SwiGLUBackward does nothing.
func (Device) SwiGLUBackward(kernels.Array, kernels.Array, kernels.Array, kernels.Array, kernels.Array) {
}

// Add does nothing.
func (Device) Add(kernels.Array, kernels.Array, kernels.Array) {}

// Scale does nothing.
func (Device) Scale(kernels.Array, kernels.Array, float32) {}

// AddScaled does nothing.
func (Device) AddScaled(kernels.Array, kernels.Array, kernels.Array, float32) {}

// ScaleColumns does nothing.
func (Device) ScaleColumns(kernels.Array, kernels.Array, kernels.Buffer) {}

// ScaleColumnsBackward does nothing.
func (Device) ScaleColumnsBackward(kernels.Buffer, kernels.Array, kernels.Array, kernels.Buffer) {}

// Dropout does nothing.
func (Device) Dropout(kernels.Array, kernels.Array, uint64, float32) {}

// Clear does nothing.
func (Device) Clear(kernels.Array) {}

// CosSin does nothing.
func (Device) CosSin(kernels.Array, kernels.Array, kernels.Array) {}

// Rotate does nothing.
func (Device) Rotate(kernels.Array, kernels.Array, kernels.Array, kernels.Array) {}

// RotateBackward does nothing.
func (Device) RotateBackward(kernels.Array, kernels.Array, kernels.Array, kernels.Array) {}

// Gather does nothing.
func (Device) Gather(kernels.Array, kernels.Placed, []int) {}

// CopyRows does nothing.
func (Device) CopyRows(kernels.Array, []int, kernels.Array, []int) {}

// AddRows does nothing.
func (Device) AddRows(kernels.Array, []int, kernels.Array, []int) {}

// MeanRows does nothing.
func (Device) MeanRows(kernels.Array, kernels.Array) {}

// MeanRowsBackward does nothing.
func (Device) MeanRowsBackward(kernels.Array, kernels.Array) {}

// CrossEntropy does nothing.
func (Device) CrossEntropy([]float64, kernels.Array, kernels.Array, []int) error { return nil }

// CrossEntropyBackward does nothing.
func (Device) CrossEntropyBackward(kernels.Array, kernels.Array, []int, float32) {}

// Attend does nothing.
func (Device) Attend(*kernels.Attention) error { return nil }

// AttendBackward does nothing.
func (Device) AttendBackward(*kernels.Attention) error { return nil }

// RowLengths does nothing.
func (Device) RowLengths(kernels.Buffer, kernels.Placed, int, kernels.Array, float32) {}

// ColumnSquares does nothing.
func (Device) ColumnSquares([]float64, kernels.Placed, int, kernels.Array, float32) error { return nil }

// AdamW does nothing.
func (Device) AdamW(kernels.Buffer, kernels.Buffer, kernels.Buffer, kernels.Buffer, kernels.AdamWStep) {
}

// FirstNonFinite finds none.
func (Device) FirstNonFinite(kernels.Array) (row, col int) { return -1, -1 }

// FindNonFinite does nothing.
func (Device) FindNonFinite(kernels.Buffer, kernels.Array) {}
