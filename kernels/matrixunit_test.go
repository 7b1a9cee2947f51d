package kernels

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"unsafe"

	pages "github.com/loupe-vl/loupe/kernels/internal/guard"
)

// unitProblems are products of more rows than a slab and of few, in spans that are whole and cut, with weights of 8 and of 4 bits.
func unitProblems(t *testing.T) []*quantProblem {
	r := rand.New(rand.NewPCG(41, 42))
	var out []*quantProblem
	for _, how := range []Quantising{{8, 128, false}, {8, 256, false}, {8, 0, false}, {4, 32, false}, {4, 64, false}, {4, 128, false}, {4, 128, true}, {4, 256, true}, {4, 0, true}} {
		for _, size := range [][3]int{{7, 32, 128}, {16, 33, 129}, {17, 31, 200}, {32, 64, 384}, {45, 70, 300}, {100, 32, 65}} {
			out = append(out, newQuantProblem(t, r, quantProblem{rows: size[0], cols: size[1], k: size[2], how: how, pad: r.IntN(3)}))
		}
	}
	return out
}

// TestMatrixUnit: products by the matrix unit have the bits of the mode's arithmetic, for any number of threads and also where the rows
// are taken in parts.
func TestMatrixUnit(t *testing.T) {
	ran := false
	eachRealPath(t, func(t *testing.T, name string) {
		for _, threads := range []int{1, 3} {
			e := engine(t, Options{Kernels: name, Threads: threads})
			if e.path.quantSets()[0].unit == nil {
				continue
			}
			ran = true
			for _, p := range unitProblems(t) {
				if !e.path.quantSets()[0].unit.takes(p.rows, p.panels) {
					t.Fatalf("%v: not for the unit", p)
				}
				if !sameBits(p.run(t, e), p.naive()) {
					t.Fatalf("%v, %d threads: differs from the mode's arithmetic", p, threads)
				}
			}
			p := newQuantProblem(t, rand.New(rand.NewPCG(1, 2)), quantProblem{rows: 70, cols: 40, k: 20_000, how: Quantising{8, 128, false}})
			if !sameBits(p.run(t, e), p.naive()) {
				t.Fatalf("%v, %d threads, in parts: differs from the mode's arithmetic", p, threads)
			}
		}
	})
	if !ran {
		if slices.Contains(strings.Split(os.Getenv("LOUPE_REQUIRE_KERNELS"), ","), "amx") {
			t.Fatal("this processor has no matrix unit, or the system does not give it")
		}
		t.Skip("this processor has no matrix unit")
	}
}

// TestSlabs: rows go where the unit reads them, the spans of a slab one after the other, and what is missing is 0, also in memory that
// was used before.
func TestSlabs(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	var x slabs
	for _, size := range [][2]int{{40, 9}, {1, 1}, {16, 4}, {17, 6}, {33, 3}} {
		rows, blocks := size[0], size[1]
		x.fit(rows, blocks)
		if at := uintptr(unsafe.Pointer(&x.q[0])); at%cacheLine != 0 {
			t.Fatalf("%v: %d bytes into a line", size, at%cacheLine)
		}
		all := make([][]xBlock, rows)
		for i := range all {
			all[i] = make([]xBlock, blocks)
			for b := range all[i] {
				all[i][b].Scale = float32(i) + float32(b/spanBlocks)/100
				for j := range all[i][b].Q {
					all[i][b].Q[j] = int8(r.Int32())
				}
			}
			x.put(i, all[i])
		}
		for i := range (rows + slabRows - 1) / slabRows * slabRows {
			for k := range x.spans * spanSteps {
				want := int8(0)
				if i < rows && k/blockSteps < blocks {
					want = all[i][k/blockSteps].Q[k%blockSteps]
				}
				if got := x.q[i/slabRows*x.spans*spanSteps*slabRows+k/64*1024+i%slabRows*64+k%64]; got != want {
					t.Fatalf("%v: row %d, step %d is %d, want %d", size, i, k, got, want)
				}
			}
			for s := range x.spans {
				want := float32(0)
				if i < rows {
					want = all[i][s*spanBlocks].Scale
				}
				if got := x.scales[(i/slabRows*x.spans+s)*slabRows+i%slabRows]; got != want {
					t.Fatalf("%v: row %d, span %d has scale %v, want %v", size, i, s, got, want)
				}
			}
		}
	}
}

// TestGuardedUnpack puts weights, multiples or zero points, and what they are unpacked to against pages without access.
func TestGuardedUnpack(t *testing.T) {
	eachRealPath(t, func(t *testing.T, name string) {
		r := rand.New(rand.NewPCG(7, 8))
		for i, set := range engine(t, Options{Kernels: name}).path.quantSets() {
			for _, blocks := range []int{1, 2, 3, 5} {
				for _, side := range pages.Sides {
					w, more := make([]byte, blocks*512), make([]byte, blocks*panelCols)
					for i := range w {
						w[i] = byte(r.Int32())
					}
					for i := range more {
						more[i] = byte(r.IntN(2*mostMultiple+1) - mostMultiple)
					}
					for _, bias := range []int{0, unpackedZero} {
						for _, per := range []int{1, 2, 4} {
							for form, n := range map[int]int{formInt4: blocks, formInt4Zeros: (blocks + per - 1) / per} {
								want := make([]byte, blocks*1024)
								quantGeneric.unpack[form](blocks, &w[0], &more[0], per, &want[0], bias)
								to, gw, gm := pages.Like(t, side, make([]byte, len(want))), pages.Like(t, side, w), pages.Like(t, side, more[:n*panelCols])
								set.unpack[form](blocks, &gw[0], &gm[0], per, &to[0], bias)
								if !slices.Equal(to, want) || !slices.Equal(gw, w) || !slices.Equal(gm, more[:n*panelCols]) {
									t.Fatalf("set %d, form %d, %d blocks, %d per zero, bias %d, %s: differs from plain Go", i, form, blocks, per, bias, side)
								}
							}
						}
					}
				}
			}
		}
	})
}

// TestGuardedUnit puts each operand of the matrix unit's routines against pages without access.
func TestGuardedUnit(t *testing.T) {
	eachRealPath(t, func(t *testing.T, name string) {
		unit := engine(t, Options{Kernels: name}).path.quantSets()[0].unit
		if unit == nil {
			t.Skip("this path has no matrix unit")
		}
		r := rand.New(rand.NewPCG(9, 9))
		for _, spans := range []int{1, 2, 5} {
			for _, per := range []int{1, 2, 7} {
				for _, side := range pages.Sides {
					for n, slabs := range unit.slabs {
						t.Run(fmt.Sprintf("%d spans/%d per scale/%s/%d slabs", spans, per, side, n+1), func(t *testing.T) {
							guardUnit(t, r, side, unit, slabs, n+1, spans, per)
						})
					}
				}
			}
		}
	})
}

func guardUnit(t *testing.T, r *rand.Rand, side pages.Side, unit *matrixUnit, slabs slabsFunc, n, spans, per int) {
	rows, stride := n*slabRows, panelCols+5
	x, w, half := make([]int8, rows*spans*spanSteps), make([]byte, spans*spanSteps*panelCols), make([]uint16, (spans+per-1)/per*panelCols)
	for i := range x {
		x[i] = int8(r.IntN(255) - 127)
	}
	for i := range w {
		w[i] = byte(r.Int32())
	}
	for i := range half {
		half[i] = 0x2000 + uint16(r.IntN(0x1000))
	}
	xScales := make([]float32, rows*spans)
	for i := range xScales {
		xScales[i] = r.Float32()
	}
	like := func(bytes int) unsafe.Pointer { return unsafe.Pointer(&pages.Like(t, side, make([]byte, bytes))[0]) }
	gw, gh, gx, gs := pages.Like(t, side, w), pages.Like(t, side, half), pages.Like(t, side, x), pages.Like(t, side, xScales)
	signed, wScales := (*byte)(like(len(w))), (*float32)(like(4*spans*panelCols))
	unit.signed(spans*spanBlocks, &gw[0], signed)
	unit.scales(spans, &gh[0], per, wScales)
	dst := pages.Like(t, side, make([]float32, (rows-1)*stride+panelCols))
	slabs(spans, &gx[0], slabRows*spanSteps*spans, &gs[0], 4*slabRows*spans, (*int8)(unsafe.Pointer(signed)), wScales, (*byte)(like(unitWork*n/2)), &dst[0], stride, &gw[0])
	for row := range rows {
		for c := range panelCols {
			acc := float32(0)
			for s := range spans {
				sum := 0
				for i := range spanSteps {
					q := x[row/slabRows*slabRows*spanSteps*spans+(2*s+i/64)*1024+row%slabRows*64+i%64]
					sum += int(q) * (int(w[((s*spanSteps+i)/4*panelCols+c)*4+i%4]) - 128)
				}
				scale := xScales[(row/slabRows*spans+s)*slabRows+row%slabRows]
				acc = FMA(float32(sum), scale*F16ToF32(half[s/per*panelCols+c]), acc)
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
