package kernels

import (
	"fmt"
	"runtime"
	"strings"
	"sync"

	"github.com/loupe-vl/loupe/kernels/gemm"
	"github.com/loupe-vl/loupe/kernels/gemm/bf16"
	"github.com/loupe-vl/loupe/kernels/internal/pool"
	"github.com/loupe-vl/loupe/kernels/qgemm"
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
	pool   *pool.Pool
	exact  *gemm.Multiplier
	bf16   func() *bf16.Multiplier // made when first asked for: choosing its way measures for a moment
	packed *qgemm.Multiplier
	close  sync.Once
}

// functions are the methods that package vec gives an Engine: Add, Softmax, RMSNorm and so on.
type functions = vec.Kernels

// New starts an engine. A path that is unknown, or that this machine does not have, is an error.
func New(o Options) (*Engine, error) {
	if o.Threads < 0 {
		return nil, fmt.Errorf("Options.Threads is %d; give a number above 0, or 0 for all cores", o.Threads)
	}
	if o.Threads == 0 {
		o.Threads = runtime.GOMAXPROCS(0)
	}
	ks, err := choose(o.Kernels)
	if err != nil {
		return nil, err
	}
	return newEngine(ks, o.Threads), nil
}

func newEngine(ks *gemm.Kernels, threads int) *Engine {
	workers := pool.New(threads)
	exact := gemm.New(ks, workers)
	return &Engine{
		functions: ks.Vec, pool: workers, exact: exact,
		bf16:   sync.OnceValue(func() *bf16.Multiplier { return bf16.New(bf16.Ways(ks)[0], exact, workers) }),
		packed: qgemm.New(qgemm.Sets(ks.Name)[0], exact, workers),
	}
}

func choose(name string) (*gemm.Kernels, error) {
	var have []string
	for _, ks := range gemm.Sets() {
		if !ks.Available {
			continue
		}
		if name == ks.Name || name == "" || name == "auto" {
			return ks, nil
		}
		have = append(have, ks.Name)
	}
	return nil, fmt.Errorf("Options.Kernels %s is not to be had on this machine; it has %s", name, strings.Join(have, ", "))
}

// Close ends the workers. Nothing may be running.
func (e *Engine) Close() { e.close.Do(e.pool.Close) }

// Threads is how many threads the engine computes with.
func (e *Engine) Threads() int { return e.pool.Threads() }

// Path is the name of the kernels in use.
func (e *Engine) Path() string { return e.exact.Kernels().Name }

// For runs f over [0, n) in pieces of grain or more, on any worker and in any order. f must not depend on how the
// range is cut. It may itself call For.
func (e *Engine) For(n, grain int, f func(lo, hi int)) {
	e.pool.For(n, grain, f)
}
