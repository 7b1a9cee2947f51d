package kernels

import (
	"fmt"
	"runtime"
	"strings"
	"sync"

	"github.com/loupe-vl/loupe/kernels/internal/cpu"
	"github.com/loupe-vl/loupe/kernels/internal/pool"
	"github.com/loupe-vl/loupe/kernels/vec"
)

// Options choose how an [Engine] computes. Neither changes a bit of any result.
type Options struct {
	Threads int    // 0: all cores
	Kernels string // "auto" (or ""), "avx512", "avx2", "neon" or "generic"
}

// Engine is a kernel path and a pool of workers. It is safe for concurrent use.
type Engine struct {
	*functions // those of the path
	path       *path
	rounded    func() *path // for products of bfloat16
	left       leftPart     // of a product
	pool       *pool.Pool
	scratch    sync.Pool // of *Scratch
	packed     sync.Pool // of *[]float32: the left operand of a product
	quantJobs  sync.Pool // of *quantJob: products of quantized weights
	stripJobs  sync.Pool // of *stripJob: products of few rows
	roundings  sync.Pool // of *roundingJob: the left operand of a product of bfloat16
	close      sync.Once
	idle       bool // see Idle
}

// functions are the methods that package vec gives an Engine: Add, Softmax, RMSNorm and so on.
type functions = vec.Kernels

// path is one set of kernels.
type path struct {
	name      string
	available bool
	mr, nr    int // rows and columns of a tile
	tile      tileFunc
	half      tileFunc // of the first nr/2 columns of a panel; nil for none
	low       lowTiles
	prefetch  prefetchFunc // nil for none
	packX     packXFunc
	addRows   addRowsFunc     // nil: by add, row by row
	dense     []denseRoutines // for each layout of one number after the other
	vec       *vec.Kernels
	quant     []*quantRoutines // for quantized products, the preferred ones first; none: they are plain Go
	// roundings are the paths for products of bfloat16, which give the same bits, the fastest first; nil: that of swapped.
	roundings func(p *path) []*path
	// Of a path for products of bfloat16: how a row is rounded, and how many steps of k an element of the result is.
	roundX roundXFunc
	steps  int
}

// per is how many elements of a row of weights an element of a panel stands for.
func (p *path) per() int { return max(p.steps, 1) }

// tileFunc computes one tile of a product: dst[r*stride+c] = fma chain of x[k*mr+r] and w[k*nr+c] over k ascending, for r
// below the path's mr and c below its nr, from +0, or from dst if accumulate is not 0.
type tileFunc func(k int, x, w, dst *float32, stride int, accumulate int)

// lowTiles are tiles of the first third and the first two thirds of mr rows, for what is left below the last whole tile; nil
// for none.
type lowTiles [2]tileFunc

// packFunc widens and transposes part of a matrix whose rows are the columns of a product: dst[j*nr+i] = element (r+i, c+j)
// of m, for i below rows and j below cols.
type packFunc func(dst []float32, nr int, m Matrix, r, rows, c, cols int)

// addRowsFunc adds x, n times 16 numbers, to each of some rows of dst: see addRowsAVX2. Neither rows nor n is 0.
type addRowsFunc func(rows, n int, dst *float32, stride int, x *float32)

// packXFunc transposes part of the left operand of a product: dst[j*mr+i] = element (r+i, k+j) of x, for i below rows and j
// below steps.
type packXFunc func(dst []float32, mr int, x View, r, rows, k, steps int)

// paths lists every path of this build, the preferred ones first.
func paths() []*path {
	return append(machinePaths(), &path{name: "generic", available: true, mr: 4, nr: 16, tile: tileGeneric, vec: vec.Generic, dense: genericDense, packX: packXGeneric})
}

// New starts an engine. A path that is unknown, or that this machine does not have, is an error.
func New(o Options) (*Engine, error) {
	if o.Threads < 0 {
		return nil, fmt.Errorf("Options.Threads is %d; give a number above 0, or 0 for all cores", o.Threads)
	}
	if o.Threads == 0 {
		o.Threads = runtime.GOMAXPROCS(0)
	}
	p, err := choose(o.Kernels)
	if err != nil {
		return nil, err
	}
	e := &Engine{functions: p.vec, path: p, rounded: sync.OnceValue(func() *path { return p.ways()[0] }), left: leftPartFor(cpu.SecondLevelCache()), pool: pool.New(o.Threads)}
	e.scratch.New = func() any { return NewScratch() }
	e.packed.New = func() any { return new([]float32) }
	e.roundings.New = newRoundingJob
	e.quantJobs.New = newQuantJob
	e.stripJobs.New = newStripJob
	return e, nil
}

// Idle is an engine that computes nothing: its For runs no piece, and its products leave their results as they are. A run on it
// takes the memory that it would take, and costs nothing.
func Idle() *Engine {
	all := paths()
	return &Engine{functions: vec.Generic, path: all[len(all)-1], pool: pool.New(1), idle: true}
}

// Idles reports whether the engine is an Idle one.
func (e *Engine) Idles() bool { return e.idle }

func choose(name string) (*path, error) {
	var have []string
	for _, p := range paths() {
		if !p.available {
			continue
		}
		if name == p.name || name == "" || name == "auto" {
			return p, nil
		}
		have = append(have, p.name)
	}
	return nil, fmt.Errorf("Options.Kernels %s is not to be had on this machine; it has %s", name, strings.Join(have, ", "))
}

// Close ends the workers. Nothing may be running.
func (e *Engine) Close() { e.close.Do(e.pool.Close) }

// Threads is how many threads the engine computes with.
func (e *Engine) Threads() int { return e.pool.Threads() }

// Path is the name of the kernels in use.
func (e *Engine) Path() string { return e.path.name }

// For runs f over [0, n) in pieces of grain or more, on any worker and in any order. f must not depend on how the
// range is cut. It may itself call For.
func (e *Engine) For(n, grain int, f func(lo, hi int)) {
	if !e.idle {
		e.pool.For(n, grain, f)
	}
}
