package kernels

import (
	"fmt"
	"runtime"
	"strings"
	"sync"

	"github.com/loupe-vl/loupe/kernels/gemm"
	"github.com/loupe-vl/loupe/kernels/gemm/bf16"
	"github.com/loupe-vl/loupe/kernels/internal/pool"
	"github.com/loupe-vl/loupe/kernels/vec"
)

// Options choose how an [Engine] computes. Neither changes a bit of any result.
type Options struct {
	Threads int    // 0: all cores
	Kernels string // "auto" (or ""), "avx512", "avx2", "neon" or "generic"
}

// Engine is the kernels of one set of instructions and a pool of workers. It is safe for concurrent use.
type Engine struct {
	*functions
	path      *path
	pool      *pool.Pool
	exact     *gemm.Multiplier
	bf16      func() *bf16.Multiplier // made when first asked for: choosing its way measures for a moment
	quantJobs sync.Pool               // of *quantJob: products of quantized weights
	close     sync.Once
}

// functions are the methods that package vec gives an Engine: Add, Softmax, RMSNorm and so on.
type functions = vec.Kernels

// path is everything that is computed with one set of instructions.
type path struct {
	*gemm.Kernels
	quant []*quantRoutines // for quantized products, the preferred ones first; none: they are plain Go
}

// paths lists every path of this build, the preferred ones first.
func paths() []*path {
	var out []*path
	for _, ks := range gemm.Sets() {
		out = append(out, &path{ks, quantSetsOf(ks.Name)})
	}
	return out
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
	return newEngine(p, o.Threads), nil
}

func newEngine(p *path, threads int) *Engine {
	workers := pool.New(threads)
	e := &Engine{functions: p.Vec, path: p, pool: workers, exact: gemm.New(p.Kernels, workers)}
	e.bf16 = sync.OnceValue(func() *bf16.Multiplier { return bf16.New(bf16.Ways(p.Kernels)[0], e.exact, workers) })
	e.quantJobs.New = newQuantJob
	return e
}

func choose(name string) (*path, error) {
	var have []string
	for _, p := range paths() {
		if !p.Available {
			continue
		}
		if name == p.Name || name == "" || name == "auto" {
			return p, nil
		}
		have = append(have, p.Name)
	}
	return nil, fmt.Errorf("Options.Kernels %s is not to be had on this machine; it has %s", name, strings.Join(have, ", "))
}

// Close ends the workers. Nothing may be running.
func (e *Engine) Close() { e.close.Do(e.pool.Close) }

// Threads is how many threads the engine computes with.
func (e *Engine) Threads() int { return e.pool.Threads() }

// Path is the name of the kernels in use.
func (e *Engine) Path() string { return e.path.Name }

// For runs f over [0, n) in pieces of grain or more, on any worker and in any order. f must not depend on how the
// range is cut. It may itself call For.
func (e *Engine) For(n, grain int, f func(lo, hi int)) {
	e.pool.For(n, grain, f)
}
