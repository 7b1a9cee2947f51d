//go:build !purego

package qgemm

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/loupe-vl/loupe/kernels/internal/emulate"
	"github.com/loupe-vl/loupe/kernels/internal/kerneltest"
)

// TestEmulatedVNNI: the tiles for AVX-VNNI give the bits of the mode's arithmetic on an emulated processor, where this one does not
// have the instruction, and touch nothing but their operands.
func TestEmulatedVNNI(t *testing.T) {
	if slices.Contains(sets256(), &setAVXVNNI) {
		t.Skip("this processor has the instruction: TestQuantizedPaths runs them")
	}
	cpu, reason := emulate.Start(t)
	if cpu == nil {
		if kerneltest.Required("avxvnni") {
			t.Fatal(reason)
		}
		t.Skip(reason)
	}
	r := rand.New(rand.NewPCG(12, 13))
	for _, how := range quantizings {
		p := newQuantProblem(t, r, quantProblem{rows: 6, cols: 2 * panelCols, k: 300, how: how})
		want, blocks := p.naive(), p.panels.blocks()
		xs := make([]q8Block, p.rows*blocks)
		for row := range p.rows {
			quantizeActivations(xs[row*blocks:][:blocks], p.x.Data[row*p.x.RowStride:][:p.k], p.panels.form().activations(p.panels))
		}
		for _, tile := range p.panels.form().kernels(&setAVXVNNI).tiles {
			got := make([]float32, p.rows*p.cols)
			for panel := range p.panels.count() {
				weights, scales, zeros := p.panels.panel(panel)
				for row := 0; row < p.rows; row += tile.rows {
					dst := got[row*p.cols+panel*panelCols:][:(tile.rows-1)*p.cols+panelCols]
					err := cpu.Call(tile.run, blocks, emulate.Bytes(xs[row*blocks:][:tile.rows*blocks]), blocks, emulate.Bytes(weights), emulate.Bytes(scales),
						emulate.Bytes(zeros), p.panels.groupBlocks(), emulate.Bytes(dst), p.cols, p.panels.xGroup())
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
