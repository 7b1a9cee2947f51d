package kernels

import (
	"reflect"
	"sync"
)

// ForWith is [Engine.For] for an f that captures nothing and is given what it works with. It allocates nothing, but for the first
// times with a T: what is handed to the workers is kept for the next call.
func ForWith[T any](e *Engine, n, grain int, with T, f func(with T, lo, hi int)) {
	jobs := withJobs[T]()
	j := jobs.Get().(*withJob[T])
	j.with, j.f = with, f
	e.For(n, grain, j.run)
	j.with, j.f = *new(T), nil // the pool keeps nobody's memory
	jobs.Put(j)
}

// withJob is a call of ForWith.
type withJob[T any] struct {
	with T
	f    func(with T, lo, hi int)
	run  func(lo, hi int) // f with it, made once
}

// withPools holds a *sync.Pool of *withJob[T] for each T.
var withPools sync.Map

func withJobs[T any]() *sync.Pool {
	key := reflect.TypeFor[T]()
	if p, ok := withPools.Load(key); ok {
		return p.(*sync.Pool)
	}
	p, _ := withPools.LoadOrStore(key, &sync.Pool{New: func() any {
		j := new(withJob[T])
		j.run = func(lo, hi int) { j.f(j.with, lo, hi) }
		return j
	}})
	return p.(*sync.Pool)
}
