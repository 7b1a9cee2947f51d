//go:build !purego

package gemm_test

import (
	"slices"
	"testing"
	"unsafe"

	. "github.com/loupe-vl/loupe/kernels/gemm"
	"github.com/loupe-vl/loupe/kernels/internal/emulate"
)

// emulated are the kernels of AVX-512, with their assembly run on an emulated processor; nil, and the reason, where there is no emulator.
func emulated(t *testing.T, name string) (*Kernels, string) {
	if name != AVX512.Name {
		return nil, "not emulated"
	}
	cpu, reason := emulate.Start(t)
	if cpu == nil {
		return nil, reason
	}
	return emulate512(t, cpu, *AVX512), ""
}

// emulate512 is ks with each of its routines called on cpu, with exactly the memory that its contract gives it.
func emulate512(t *testing.T, cpu *emulate.CPU, ks Kernels) *Kernels {
	call := func(routine any, args ...any) {
		if err := cpu.Call(routine, args...); err != nil {
			t.Error(err)
		}
	}
	floats := func(x *float32, n int) []byte { return emulate.Bytes(unsafe.Slice(x, n)) }
	tile := func(routine TileFunc, rows, cols int) TileFunc {
		return func(k int, x, w, dst *float32, stride int, accumulate int) {
			call(routine, k, floats(x, (k-1)*ks.MR+rows), floats(w, (k-1)*ks.NR+cols), floats(dst, (rows-1)*stride+cols), stride, accumulate)
		}
	}
	ks.Tile, ks.Half = tile(ks.Tile, ks.MR, ks.NR), tile(ks.Half, ks.MR, ks.NR/2)
	for i, low := range ks.Low {
		ks.Low[i] = tile(low, (i+1)*ks.MR/3, ks.NR)
	}
	addRows := ks.AddRows
	ks.AddRows = func(rows, n int, dst *float32, stride int, x *float32) {
		call(addRows, rows, n, floats(dst, (rows-1)*stride+16*n), stride, floats(x, 16*n))
	}
	ks.Available = false
	ks.Vec = Generic.Vec // which its own tests emulate
	ks.Dense = slices.Clone(ks.Dense)
	for _, l := range []struct {
		layout      Layout
		steps, size int // elements that packing takes at once, and bytes of each
	}{{F32, 4, 4}, {BF16, 8, 2}, {F16, 4, 2}} {
		by := ks.RoutinesOf(l.layout)
		bytes := func(w unsafe.Pointer, n int) []byte { return unsafe.Slice((*byte)(w), n*l.size) }
		pack := func(n int, dst *float32, nr int, w unsafe.Pointer, stride int) {
			call(PackRoutinesAVX512[l.layout], n, floats(dst, (n*l.steps-1)*nr+16), nr, bytes(w, 15*stride+n*l.steps), stride)
		}
		by.Pack = Packer(16, l.steps, 1, pack, PackGeneric[l.layout])
		if packing := by.Packing; packing != nil {
			by.Packing = func(k int, x, w, dst *float32, stride int, accumulate int, from unsafe.Pointer, fromStride int, to *float32, blocks int) {
				call(packing, k, floats(x, k*ks.MR), floats(w, k*ks.NR), floats(dst, (ks.MR-1)*stride+ks.NR), stride, accumulate,
					bytes(from, (ks.NR-1)*fromStride+blocks*PackedSteps), fromStride, floats(to, blocks*PackedSteps*ks.NR), blocks)
			}
		}
		if cols := by.GEMVCols; cols != nil {
			by.GEMVCols = func(k int, x, w *float32, stride int, dst *float32, accumulate int) {
				call(cols, k, floats(x, k), floats(w, (k-1)*stride+GEMVColumns), stride, floats(dst, GEMVColumns), accumulate)
			}
		}
		widen := by.Widen
		by.Widen = func(n int, dst *float32, nr int, w unsafe.Pointer, stride int) {
			call(widen, n, floats(dst, (n-1)*nr+16), nr, bytes(w, (n-1)*stride+16), stride)
		}
		by.GEMVRows = slices.Clone(by.GEMVRows)
		for i, s := range by.GEMVRows {
			by.GEMVRows[i].Run = func(lines int, x *float32, xStride int, w unsafe.Pointer, stride int, dst *float32, dstStride int, accumulate int) {
				k := lines * 64 / l.size
				call(s.Run, lines, floats(x, (s.Rows-1)*xStride+k), xStride, bytes(w, (s.Cols-1)*stride+k), stride, floats(dst, (s.Rows-1)*dstStride+s.Cols), dstStride, accumulate)
			}
		}
	}
	return &ks
}

// TestEmulatorSeesOverruns: a routine that writes one element too many must not pass.
func TestEmulatorSeesOverruns(t *testing.T) {
	cpu, reason := emulate.Start(t)
	if cpu == nil {
		t.Skip(reason)
	}
	x, w, dst := make([]float32, 12), make([]float32, 32), make([]float32, 12*32)
	if err := cpu.Call(AVX512.Tile, 1, emulate.Bytes(x), emulate.Bytes(w), emulate.Bytes(dst), 32, 0); err != nil {
		t.Fatal(err)
	}
	if err := cpu.Call(AVX512.Tile, 1, emulate.Bytes(x), emulate.Bytes(w), emulate.Bytes(dst[1:]), 32, 0); err == nil {
		t.Error("writing beyond the end of dst is no error")
	}
}
