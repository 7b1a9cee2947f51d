package qgemm

import (
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/loupe-vl/loupe/kernels/gemm"
	"github.com/loupe-vl/loupe/kernels/internal/kerneltest"
)

// amxProblems are products of more rows than a tile and of few, in superblocks that are whole and cut, with weights of 8 and of 4 bits.
func amxProblems(t *testing.T) []*quantProblem {
	r := rand.New(rand.NewPCG(41, 42))
	var out []*quantProblem
	for _, how := range []Quantizing{{8, 128, false}, {8, 256, false}, {8, 0, false}, {4, 32, false}, {4, 64, false}, {4, 128, false}, {4, 128, true}, {4, 256, true}, {4, 0, true}} {
		for _, size := range [][3]int{{7, 32, 128}, {16, 33, 129}, {17, 31, 200}, {32, 64, 384}, {45, 70, 300}, {100, 32, 65}} {
			out = append(out, newQuantProblem(t, r, quantProblem{rows: size[0], cols: size[1], k: size[2], how: how, pad: r.IntN(3)}))
		}
	}
	return out
}

// TestAMX: products by AMX have the bits of the mode's arithmetic, for any number of threads and also where the rows
// are taken in parts.
func TestAMX(t *testing.T) {
	ran := false
	eachSet(t, func(t *testing.T, ks *gemm.Kernels, sets []*Kernels) {
		for _, threads := range []int{1, 3} {
			if sets[0].amx == nil {
				continue
			}
			ran = true
			m := newMultiplier(t, ks, sets[0], threads)
			for _, p := range amxProblems(t) {
				if !sets[0].amx.takes(p.rows, p.panels) {
					t.Fatalf("%v: not for AMX", p)
				}
				if !kerneltest.SameBits(p.run(t, m), p.naive()) {
					t.Fatalf("%v, %d threads: differs from the mode's arithmetic", p, threads)
				}
			}
			p := newQuantProblem(t, rand.New(rand.NewPCG(1, 2)), quantProblem{rows: 70, cols: 40, k: 20_000, how: Quantizing{8, 128, false}})
			if !kerneltest.SameBits(p.run(t, m), p.naive()) {
				t.Fatalf("%v, %d threads, in parts: differs from the mode's arithmetic", p, threads)
			}
		}
	})
	if !ran {
		if slices.Contains(strings.Split(os.Getenv("LOUPE_REQUIRE_KERNELS"), ","), "amx") {
			t.Fatal("this processor has no AMX, or the system does not give it")
		}
		t.Skip("this processor has no AMX")
	}
}

// TestAMXPack: rows go where AMX reads them, the superblocks of a tile one after the other, and what is missing is 0, also in memory that
// was used before.
func TestAMXPack(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	var x amxLeft
	for _, size := range [][2]int{{40, 9}, {1, 1}, {16, 4}, {17, 6}, {33, 3}} {
		rows, blocks := size[0], size[1]
		x.fit(rows, blocks)
		if at := uintptr(unsafe.Pointer(&x.q[0])); at%cacheLine != 0 {
			t.Fatalf("%v: %d bytes into a line", size, at%cacheLine)
		}
		all := make([][]q8Block, rows)
		for i := range all {
			all[i] = make([]q8Block, blocks)
			for b := range all[i] {
				all[i][b].Scale = float32(i) + float32(b/superblock)/100
				for j := range all[i][b].Q {
					all[i][b].Q[j] = int8(r.Int32())
				}
			}
			x.put(i, all[i])
		}
		for i := range (rows + amxRows - 1) / amxRows * amxRows {
			for k := range x.superblocks * superblockSteps {
				want := int8(0)
				if i < rows && k/blockSteps < blocks {
					want = all[i][k/blockSteps].Q[k%blockSteps]
				}
				if got := x.q[i/amxRows*x.superblocks*superblockSteps*amxRows+k/64*1024+i%amxRows*64+k%64]; got != want {
					t.Fatalf("%v: row %d, step %d is %d, want %d", size, i, k, got, want)
				}
			}
			for s := range x.superblocks {
				want := float32(0)
				if i < rows {
					want = all[i][s*superblock].Scale
				}
				if got := x.scales[(i/amxRows*x.superblocks+s)*amxRows+i%amxRows]; got != want {
					t.Fatalf("%v: row %d, superblock %d has scale %v, want %v", size, i, s, got, want)
				}
			}
		}
	}
}
