package pool

import (
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// Pool is a set of workers that wait for jobs. The caller of a job works too, so that a job always ends, even when it is
// started from inside another one or when all workers are busy. A worker without work looks out for more for a while before
// it sleeps: the products of a decoding step follow each other faster than a goroutine is woken.
type Pool struct {
	workers []*worker
	n       int       // workers, the caller counted
	jobs    sync.Pool // of *job
}

// job is a range [0, n) in pieces, which whoever is free takes one after the other: see take.
type job struct {
	next     atomic.Int64
	n, least int
	sharers  int // workers among whom it is divided
	run      func(lo, hi int)
	helpers  atomic.Int32 // workers that were given the job and are not done
	broken   atomic.Pointer[any]
}

// worker is one goroutine and its box: nil while it looks out, one of the marks below, or the job that it is given.
type worker struct {
	box  atomic.Pointer[job]
	wake chan struct{} // one token for each change from asleep to a job
	_    [64]byte      // boxes of their own cache lines
}

var asleep, busy, quit = new(job), new(job), new(job)

// lookouts is how often a worker looks for a job, 64 times each, before it sleeps: some 50 microseconds.
const lookouts = 300

// New starts a pool of so many threads, the caller of a job counted.
func New(threads int) *Pool {
	p := &Pool{n: threads, jobs: sync.Pool{New: func() any { return new(job) }}}
	for range threads - 1 {
		w := &worker{wake: make(chan struct{}, 1)}
		p.workers = append(p.workers, w)
		go w.loop()
	}
	return p
}

// Close ends the workers. No job may be running.
func (p *Pool) Close() {
	for _, w := range p.workers {
		for !w.give(quit) {
			runtime.Gosched()
		}
	}
}

func (w *worker) loop() {
	debug.SetPanicOnFault(true) // weights may lie in a file that cannot be read: the caller of the job is told
	for {
		j := w.take()
		if j == quit {
			return
		}
		j.work()
		w.box.Store(nil)
		j.helpers.Add(-1)
	}
}

// take waits for a job.
func (w *worker) take() *job {
	for round := 0; ; round++ {
		for range 64 {
			if j := w.box.Load(); j != nil && w.box.CompareAndSwap(j, busy) {
				return j
			}
		}
		if round < lookouts {
			runtime.Gosched()
		} else if w.box.CompareAndSwap(nil, asleep) {
			<-w.wake
			round = 0
		}
	}
}

// give hands a job to the worker, unless it has one.
func (w *worker) give(j *job) bool {
	if w.box.CompareAndSwap(nil, j) {
		return true
	}
	if w.box.CompareAndSwap(asleep, j) {
		w.wake <- struct{}{}
		return true
	}
	return false
}

// work takes pieces until there are none. A panic is kept for the caller of the job.
func (j *job) work() {
	defer func() {
		if v := recover(); v != nil {
			kept := v // v itself would be allocated each time
			j.broken.CompareAndSwap(nil, &kept)
			j.next.Store(int64(j.n))
		}
	}()
	for lo, hi := j.take(); lo < hi; lo, hi = j.take() {
		j.run(lo, hi)
	}
}

// take takes the next piece: half of a worker's share of what is left, and at least least. The first pieces are long, since going from
// one piece to the next costs something. The last ones are short, since all workers wait for the one that has the last piece: cores that
// other programs share are never equally fast. (Polychronopoulos and Kuck, Guided Self-Scheduling.)
func (j *job) take() (lo, hi int) {
	for {
		lo := int(j.next.Load())
		if lo >= j.n {
			return j.n, j.n
		}
		share := 2 * j.sharers
		hi := min(lo+max(j.least, (j.n-lo+share-1)/share), j.n)
		if j.next.CompareAndSwap(int64(lo), int64(hi)) {
			return lo, hi
		}
	}
}

// Threads is how many threads work on a job, its caller counted.
func (p *Pool) Threads() int { return p.n }

// For runs f over [0, n) in pieces of least or more, on any worker and in any order. f must not depend on how the range is cut. It may
// itself call For. A panic of f ends the job and goes on in the caller of For.
func (p *Pool) For(n, least int, f func(lo, hi int)) {
	if n <= 0 {
		return
	}
	least = max(least, 1)
	if n <= least || p.n == 1 {
		f(0, n)
		return
	}
	j := p.jobs.Get().(*job)
	j.next.Store(0)
	j.n, j.least, j.sharers, j.run = n, least, p.n, f
	wanted := int32(min((n+least-1)/least, p.n) - 1)
	for _, w := range p.workers {
		if j.helpers.Load() >= wanted { // those that are done already are not replaced: then there is nothing left
			break
		}
		j.helpers.Add(1)
		if !w.give(j) {
			j.helpers.Add(-1)
		}
	}
	j.work()
	for _, w := range p.workers { // who has not begun need not
		if w.box.CompareAndSwap(j, nil) {
			j.helpers.Add(-1)
		}
	}
	for j.helpers.Load() > 0 {
		runtime.Gosched()
	}
	v := j.broken.Swap(nil)
	j.run = nil
	p.jobs.Put(j) // nobody has it any more
	if v != nil {
		panic(*v)
	}
}
