package kernels

import (
	"sync"
	"sync/atomic"
)

// pool is a set of workers that wait for jobs. The caller of a job works too, so that a job always ends, even when it is
// started from inside another one or when all workers are busy.
type pool struct {
	jobs chan *job
	n    int // workers, the caller counted
}

// job is a range of pieces that whoever is free takes one after the other.
type job struct {
	next   atomic.Int64
	pieces int
	run    func(piece int)
	done   sync.WaitGroup // of helpers that took the job
	broken atomic.Pointer[any]
}

func newPool(threads int) *pool {
	p := &pool{jobs: make(chan *job), n: threads}
	for range threads - 1 {
		go func() {
			for j := range p.jobs {
				j.work()
				j.done.Done()
			}
		}()
	}
	return p
}

func (p *pool) close() { close(p.jobs) }

// work takes pieces until there are none. A panic is kept for the caller of the job.
func (j *job) work() {
	defer func() {
		if v := recover(); v != nil {
			j.broken.CompareAndSwap(nil, &v)
			j.next.Store(int64(j.pieces))
		}
	}()
	for {
		i := int(j.next.Add(1)) - 1
		if i >= j.pieces {
			return
		}
		j.run(i)
	}
}

// each runs f for the pieces 0 to n-1, in any order and on any worker.
func (p *pool) each(n int, f func(piece int)) {
	if n <= 1 || p.n == 1 {
		for i := range n {
			f(i)
		}
		return
	}
	j := &job{pieces: n, run: f}
	for range min(n, p.n) - 1 {
		j.done.Add(1)
		select {
		case p.jobs <- j:
			continue
		default: // nobody waits for work: those who work now, and the caller, do it all
		}
		j.done.Done()
		break
	}
	j.work()
	j.done.Wait()
	if v := j.broken.Load(); v != nil {
		panic(*v)
	}
}
