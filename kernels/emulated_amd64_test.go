//go:build !purego

package kernels

import (
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/loupe-vl/loupe/kernels/internal/emulate"
	"github.com/loupe-vl/loupe/kernels/internal/kerneltest"
)

// emulated is a path that this machine lacks, with its assembly run on an emulated processor; nil, and the reason, where
// there is no emulator.
func emulated(t *testing.T, name string) (*path, string) {
	for _, p := range machinePaths() {
		if p.name != name {
			continue
		}
		cpu, reason := emulate.Start(t)
		if cpu == nil {
			return nil, reason
		}
		return emulate512(t, cpu, *p), ""
	}
	return nil, "not a path of this processor's family"
}

// emulate512 is the path p with each of its routines called on cpu, with exactly the memory that its contract gives it.
func emulate512(t *testing.T, cpu *emulate.CPU, p path) *path {
	call := func(routine any, args ...any) {
		if err := cpu.Call(routine, args...); err != nil {
			t.Error(err)
		}
	}
	floats := func(x *float32, n int) []byte { return emulate.Bytes(unsafe.Slice(x, n)) }
	tile := func(routine tileFunc, rows, cols int) tileFunc {
		return func(k int, x, w, dst *float32, stride int, accumulate int) {
			call(routine, k, floats(x, (k-1)*p.mr+rows), floats(w, (k-1)*p.nr+cols), floats(dst, (rows-1)*stride+cols), stride, accumulate)
		}
	}
	p.tile, p.half = tile(p.tile, p.mr, p.nr), tile(p.half, p.mr, p.nr/2)
	for i, low := range p.low {
		p.low[i] = tile(low, (i+1)*p.mr/3, p.nr)
	}
	addRows := p.addRows
	p.addRows = func(rows, n int, dst *float32, stride int, x *float32) {
		call(addRows, rows, n, floats(dst, (rows-1)*stride+16*n), stride, floats(x, 16*n))
	}
	p.dense = slices.Clone(p.dense)
	for _, l := range []struct {
		layout      Layout
		steps, size int // elements that pack takes at once, and bytes of each
		pack        packRoutine
		generic     packFunc
	}{{F32, 4, 4, packF32AVX512, packF32Generic}, {BF16, 8, 2, packBF16AVX512, packBF16Generic}, {F16, 4, 2, packF16AVX512, packF16Generic}} {
		by := p.routines(l.layout)
		bytes := func(w unsafe.Pointer, n int) []byte { return unsafe.Slice((*byte)(w), n*l.size) }
		pack := func(n int, dst *float32, nr int, w unsafe.Pointer, stride int) {
			call(l.pack, n, floats(dst, (n*l.steps-1)*nr+16), nr, bytes(w, 15*stride+n*l.steps), stride)
		}
		by.pack = packer(16, l.steps, 1, pack, l.generic)
		if packing := by.packing; packing != nil {
			by.packing = func(k int, x, w, dst *float32, stride int, accumulate int, from unsafe.Pointer, fromStride int, to *float32, blocks int) {
				call(packing, k, floats(x, k*p.mr), floats(w, k*p.nr), floats(dst, (p.mr-1)*stride+p.nr), stride, accumulate,
					bytes(from, (p.nr-1)*fromStride+blocks*packedSteps), fromStride, floats(to, blocks*packedSteps*p.nr), blocks)
			}
		}
		if fan := by.fan; fan != nil {
			by.fan = func(k int, x, w *float32, stride int, dst *float32, accumulate int) {
				call(fan, k, floats(x, k), floats(w, (k-1)*stride+stripCols), stride, floats(dst, stripCols), accumulate)
			}
		}
		widen := by.widen
		by.widen = func(n int, dst *float32, nr int, w unsafe.Pointer, stride int) {
			call(widen, n, floats(dst, (n-1)*nr+16), nr, bytes(w, (n-1)*stride+16), stride)
		}
		by.strips = slices.Clone(by.strips)
		for i, s := range by.strips {
			by.strips[i].run = func(lines int, x *float32, xStride int, w unsafe.Pointer, stride int, dst *float32, dstStride int, accumulate int) {
				k := lines * cacheLine / l.size
				call(s.run, lines, floats(x, (s.rows-1)*xStride+k), xStride, bytes(w, (s.cols-1)*stride+k), stride, floats(dst, (s.rows-1)*dstStride+s.cols), dstStride, accumulate)
			}
		}
	}
	return &p
}

// TestEmulatedVNNI: the tiles for AVX-VNNI give the bits of the mode's arithmetic on an emulated processor, where this one does not
// have the instruction, and touch nothing but their operands.
func TestEmulatedVNNI(t *testing.T) {
	if slices.Contains(quantSets256(), &quantAVXVNNI) {
		t.Skip("this processor has the instruction: TestQuantizedPaths runs them")
	}
	cpu, reason := emulate.Start(t)
	if cpu == nil {
		if slices.Contains(strings.Split(os.Getenv("LOUPE_REQUIRE_KERNELS"), ","), "avxvnni") {
			t.Fatal(reason)
		}
		t.Skip(reason)
	}
	r := rand.New(rand.NewPCG(12, 13))
	for _, how := range quantizings {
		p := newQuantProblem(t, r, quantProblem{rows: 6, cols: 2 * panelCols, k: 300, how: how})
		want, blocks := p.naive(), p.panels.blocks()
		xs := make([]xBlock, p.rows*blocks)
		for row := range p.rows {
			quantizeXGeneric(xs[row*blocks:][:blocks], p.x.Data[row*p.x.RowStride:][:p.k], p.panels.form().activations(p.panels))
		}
		for _, tile := range p.panels.form().routines(&quantAVXVNNI).tiles {
			got := make([]float32, p.rows*p.cols)
			for panel := range p.panels.count() {
				weights, scales, zeros := p.panels.panel(panel)
				for row := 0; row < p.rows; row += tile.rows {
					dst := got[row*p.cols+panel*panelCols:][:(tile.rows-1)*p.cols+panelCols]
					err := cpu.Call(tile.run, blocks, emulate.Bytes(xs[row*blocks:][:tile.rows*blocks]), blocks, emulate.Bytes(weights), emulate.Bytes(scales),
						emulate.Bytes(zeros), p.panels.per(), emulate.Bytes(dst), p.cols, p.panels.span())
					if err != nil {
						t.Fatalf("%+v, %d rows: %v", how, tile.rows, err)
					}
				}
			}
			if !kerneltest.SameBits(got, want) {
				t.Errorf("%+v, %d rows: differs from the mode's arithmetic", how, tile.rows)
			}
		}
	}
}

// TestEmulatorSeesOverruns: a routine that writes one element too many must not pass.
func TestEmulatorSeesOverruns(t *testing.T) {
	cpu, reason := emulate.Start(t)
	if cpu == nil {
		t.Skip(reason)
	}
	x, w, dst := make([]float32, 12), make([]float32, 32), make([]float32, 12*32)
	if err := cpu.Call(tile12x32AVX512, 1, emulate.Bytes(x), emulate.Bytes(w), emulate.Bytes(dst), 32, 0); err != nil {
		t.Fatal(err)
	}
	if err := cpu.Call(tile12x32AVX512, 1, emulate.Bytes(x), emulate.Bytes(w), emulate.Bytes(dst[1:]), 32, 0); err == nil {
		t.Error("writing beyond the end of dst is no error")
	}
}
