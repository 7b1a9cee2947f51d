package qgemm

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"github.com/loupe-vl/loupe/kernels/gemm"
	pages "github.com/loupe-vl/loupe/kernels/internal/guard"
	"github.com/loupe-vl/loupe/kernels/internal/kerneltest"
	"github.com/loupe-vl/loupe/kernels/num"
)

// TestGuardedUnpack puts weights, sub-scales or zero points, and what they are unpacked to against pages without access.
func TestGuardedUnpack(t *testing.T) {
	eachSet(t, func(t *testing.T, ks *gemm.Kernels, sets []*Kernels) {
		r := rand.New(rand.NewPCG(7, 8))
		for i, set := range sets {
			for _, blocks := range []int{1, 2, 3, 5} {
				for _, side := range pages.Sides {
					w, more := make([]byte, blocks*512), make([]byte, blocks*panelCols)
					for i := range w {
						w[i] = byte(r.Int32())
					}
					for i := range more {
						more[i] = byte(r.IntN(2*mostSubScale+1) - mostSubScale)
					}
					for _, bias := range []int{0, unpackedZero} {
						for _, group := range []int{1, 2, 4} {
							for form, n := range map[packedForm]int{int4Form{}: blocks, int4ZerosForm{}: (blocks + group - 1) / group} {
								want := make([]byte, blocks*1024)
								form.kernels(&generic).unpack(blocks, &w[0], &more[0], group, &want[0], bias)
								to, gw, gm := pages.Like(t, side, make([]byte, len(want))), pages.Like(t, side, w), pages.Like(t, side, more[:n*panelCols])
								form.kernels(set).unpack(blocks, &gw[0], &gm[0], group, &to[0], bias)
								if !slices.Equal(to, want) || !slices.Equal(gw, w) || !slices.Equal(gm, more[:n*panelCols]) {
									t.Fatalf("set %d, %T, %d blocks, %d a zero, bias %d, %s: differs from plain Go", i, form, blocks, group, bias, side)
								}
							}
						}
					}
				}
			}
		}
	})
}

// TestGuardedAMX puts each operand of AMX's routines against pages without access.
func TestGuardedAMX(t *testing.T) {
	eachSet(t, func(t *testing.T, ks *gemm.Kernels, sets []*Kernels) {
		amx := sets[0].amx
		if amx == nil {
			t.Skip("these kernels have no AMX")
		}
		r := rand.New(rand.NewPCG(9, 9))
		for _, superblocks := range []int{1, 2, 5} {
			for _, group := range []int{1, 2, 7} {
				for _, side := range pages.Sides {
					for n, tiles := range amx.tiles {
						t.Run(fmt.Sprintf("%d superblocks/%d a scale/%s/%d tiles", superblocks, group, side, n+1), func(t *testing.T) {
							guardAMX(t, r, side, amx, tiles, n+1, superblocks, group)
						})
					}
				}
			}
		}
	})
}

func guardAMX(t *testing.T, r *rand.Rand, side pages.Side, amx *amxKernels, tile amxTileFunc, n, superblocks, group int) {
	rows, stride := n*amxRows, panelCols+5
	x, w, half := make([]int8, rows*superblocks*superblockSteps), make([]byte, superblocks*superblockSteps*panelCols), make([]uint16, (superblocks+group-1)/group*panelCols)
	for i := range x {
		x[i] = int8(r.IntN(255) - 127)
	}
	for i := range w {
		w[i] = byte(r.Int32())
	}
	for i := range half {
		half[i] = 0x2000 + uint16(r.IntN(0x1000))
	}
	xScales := make([]float32, rows*superblocks)
	for i := range xScales {
		xScales[i] = r.Float32()
	}
	like := func(bytes int) unsafe.Pointer { return unsafe.Pointer(&pages.Like(t, side, make([]byte, bytes))[0]) }
	gw, gh, gx, gs := pages.Like(t, side, w), pages.Like(t, side, half), pages.Like(t, side, x), pages.Like(t, side, xScales)
	signed, wScales := (*byte)(like(len(w))), (*float32)(like(4*superblocks*panelCols))
	amx.signed(superblocks*superblock, &gw[0], signed)
	amx.scales(superblocks, &gh[0], group, wScales)
	dst := pages.Like(t, side, make([]float32, (rows-1)*stride+panelCols))
	tile(superblocks, &gx[0], amxRows*superblockSteps*superblocks, &gs[0], 4*amxRows*superblocks, (*int8)(unsafe.Pointer(signed)), wScales, (*byte)(like(amxWork*n/2)), &dst[0], stride, &gw[0])
	for row := range rows {
		for c := range panelCols {
			acc := float32(0)
			for s := range superblocks {
				sum := 0
				for i := range superblockSteps {
					q := x[row/amxRows*amxRows*superblockSteps*superblocks+(2*s+i/64)*1024+row%amxRows*64+i%64]
					sum += int(q) * (int(w[((s*superblockSteps+i)/4*panelCols+c)*4+i%4]) - 128)
				}
				scale := xScales[(row/amxRows*superblocks+s)*amxRows+row%amxRows]
				acc = num.FMA(float32(sum), scale*num.F16ToF32(half[s/group*panelCols+c]), acc)
			}
			if got := dst[row*stride+c]; got != acc {
				t.Fatalf("(%d, %d) is %v, want %v", row, c, got, acc)
			}
		}
	}
	if !slices.Equal(gw, w) || !slices.Equal(gh, half) || !slices.Equal(gx, x) || !slices.Equal(gs, xScales) {
		t.Fatal("an operand was changed")
	}
	for row := range rows - 1 {
		if slices.ContainsFunc(dst[row*stride+panelCols:(row+1)*stride], func(v float32) bool { return v != 0 }) {
			t.Fatal("written between the rows")
		}
	}
}

// TestGuardedDequantize puts the operands of the dequantizing of a block against pages without access.
func TestGuardedDequantize(t *testing.T) {
	eachSet(t, func(t *testing.T, ks *gemm.Kernels, sets []*Kernels) {
		r := rand.New(rand.NewPCG(17, 18))
		for i, set := range sets {
			for _, how := range quantizings {
				p := newQuantProblem(t, r, quantProblem{rows: 1, cols: panelCols, k: blockSteps, how: how}).panels
				routine := p.form().kernels(set).dequantize
				if routine == nil {
					continue
				}
				for _, side := range pages.Sides {
					const stride = blockSteps + 3
					var steps, zeros [panelCols]float32
					_, scales, more := p.panel(0)
					for c := range steps {
						step, zero := p.form().scaleOf(p, scales, more, 0, c)
						steps[c], zeros[c] = step, float32(zero)
					}
					w, gs, gz := pages.Like(t, side, p.Weights), pages.Like(t, side, steps[:]), pages.Like(t, side, zeros[:])
					dst := pages.Like(t, side, make([]float32, (panelCols-1)*stride+blockSteps))
					routine(&w[0], &gs[0], &gz[0], &dst[0], stride)
					row := make([]float32, blockSteps)
					for c := range panelCols {
						p.Dequantize(row, blockSteps, gemm.Matrix{}, c, 1, 0, blockSteps)
						if !kerneltest.SameBits(dst[c*stride:][:blockSteps], row) {
							t.Fatalf("set %d, %+v, %s: row %d differs from plain Go's", i, how, side, c)
						}
						if c > 0 && slices.ContainsFunc(dst[c*stride-3:c*stride], func(v float32) bool { return v != 0 }) {
							t.Fatalf("set %d, %+v, %s: written between the rows", i, how, side)
						}
					}
					if !slices.Equal(w, p.Weights) {
						t.Fatalf("set %d, %+v, %s: the weights were changed", i, how, side)
					}
				}
			}
		}
	})
}
