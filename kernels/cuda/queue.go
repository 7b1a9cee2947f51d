//go:build cuda && linux && cgo

package cuda

import (
	"fmt"
	"slices"
	"strings"
	"unsafe"
)

// The queue holds launches until somebody waits, so that those of a step that comes again and again go to the GPU as one graph. What does
// not come again is not held: it goes, some launches at a time, while the next are being queued.
//
// A sequence is the launches between two ends: a wait, a copy that no launch carries, or mostQueued launches. The second time that the same
// kernels come with the same grids in the same order a graph is made of them, while the GPU computes; from then on their launches wait for
// each other, and a graph is launched with those arguments replaced that changed. An address that was freed is in no argument: a graph is
// never launched with any but those of the launches that it stands for.

const (
	mostQueued  = 4096 // launches of a sequence
	leastGraph  = 8    // launches of a graph
	mostGraphs  = 16   // each takes memory of the driver's
	sentAtOnce  = 32   // launches that belong to no graph
	rememberedN = 64   // sequences that came once
)

type queue struct {
	list []queued
	args []uint64 // of the list: Go's memory, without pointers
	sent int      // launches of the list that were handed over

	noGraphs bool
	graphs   []*replay // those that came last first
	follows  *replay   // begins as the list does, all of which waits; nil: none, and the list does not wait
	seen     [rememberedN]uint64
	nextSeen int

	ran []queued // since the last wait, for an error's text
}

// replay is a sequence of which a graph was made.
type replay struct {
	list  []queued
	graph *graph // on its own, since C is given it
}

// enqueue appends a launch, whose argument is n words at args. d.mu is held.
func (d *Device) enqueue(k kernel, grid [3]int, threads int, args unsafe.Pointer, words int) {
	q := &d.queue
	l := queued{
		function: uintptr(k.f), grid: [3]uint32{uint32(grid[0]), uint32(grid[1]), uint32(grid[2])}, threads: uint32(threads),
		at: uint32(8 * len(q.args)), bytes: uint32(k.size),
	}
	q.args = append(q.args, unsafe.Slice((*uint64)(args), words)...)
	q.list = append(q.list, l)
	n := len(q.list)
	if n == 1 || q.follows != nil && (n > len(q.follows.list) || q.follows.list[n-1] != l) {
		q.follows = q.beginning()
	}
	switch {
	case n == mostQueued:
		d.flush()
	case q.follows == nil && n-q.sent >= sentAtOnce:
		d.send()
	}
}

// beginning is a sequence that begins as the list does; nil for none.
func (q *queue) beginning() *replay {
	for _, s := range q.graphs {
		if len(s.list) >= len(q.list) && slices.Equal(s.list[:len(q.list)], q.list) {
			return s
		}
	}
	return nil
}

// send hands over what waits, launch by launch. d.mu is held.
func (d *Device) send() {
	q := &d.queue
	if list := q.list[q.sent:]; len(list) > 0 && d.err == nil {
		if failed, code := d.ctx.launchAll(list, q.args); code != 0 {
			d.fail(d.ctx.check("run the kernel "+d.nameOf(list[failed])+" (or one before it)", code))
		}
		d.busy = true
	}
	q.sent = len(q.list)
}

// flush ends the sequence and hands all of it over. d.mu is held.
func (d *Device) flush() {
	q := &d.queue
	if len(q.list) == 0 {
		return
	}
	if s := q.follows; s != nil && len(s.list) == len(q.list) && d.err == nil {
		if failed, code := d.ctx.launchGraph(s.graph, q.list, q.args); code != 0 {
			d.fail(d.ctx.check("run the graph of the kernels "+d.namesOf(q.list)+", at "+d.nameOf(q.list[failed]), code))
		}
		d.busy = true
		at := slices.Index(q.graphs, s)
		copy(q.graphs[1:at+1], q.graphs[:at])
		q.graphs[0] = s
	} else {
		d.send()
		d.remember()
	}
	if len(q.ran) < mostQueued {
		q.ran = append(q.ran, q.list...)
	}
	q.list, q.args, q.sent, q.follows = q.list[:0], q.args[:0], 0, nil
}

// remember makes a graph of a sequence that came before. d.mu is held.
func (d *Device) remember() {
	q := &d.queue
	if q.noGraphs || len(q.list) < leastGraph || d.err != nil {
		return
	}
	h := uint64(14695981039346656037)
	add := func(x uint64) { h = (h ^ x) * 1099511628211 }
	for i := range q.list {
		l := &q.list[i]
		add(uint64(l.function))
		add(uint64(l.grid[0]))
		add(uint64(l.grid[1])<<32 | uint64(l.grid[2]))
		add(uint64(l.threads))
	}
	if !slices.Contains(q.seen[:], h) {
		q.seen[q.nextSeen] = h
		q.nextSeen = (q.nextSeen + 1) % len(q.seen)
		return
	}
	s := &replay{graph: new(graph)}
	if len(q.graphs) == mostGraphs { // the one that was used longest ago, before there is one more
		s = q.graphs[mostGraphs-1]
		d.ctx.destroyGraph(s.graph)
		q.graphs = q.graphs[:mostGraphs-1]
	}
	if err := d.ctx.makeGraph(s.graph, q.list, q.args); err != nil {
		if e, ok := err.(*Error); ok && e.Lost() {
			d.fail(err)
		}
		q.noGraphs = true // without them the same is computed
		return
	}
	s.list = append(s.list[:0], q.list...)
	q.graphs = slices.Insert(q.graphs, 0, s)
}

// wait hands over what is queued and waits until all of it is done. d.mu is held.
func (d *Device) wait() {
	d.flush()
	if d.err == nil && !d.ctx.dry {
		if code := d.ctx.wait(); code != 0 {
			d.fail(d.ctx.check("wait for the GPU, which ran "+d.namesOf(d.queue.ran), code))
		}
	}
	d.busy, d.queue.ran = false, d.queue.ran[:0]
	d.staging.done()
	d.bury()
	d.freeNow()
}

// nameOf is the name of a launch's kernel.
func (d *Device) nameOf(l queued) string {
	for name, k := range d.functions {
		if uintptr(k.f) == l.function {
			return name
		}
	}
	return "unknown"
}

// namesOf are the names of the kernels of a list, each once and not too many.
func (d *Device) namesOf(list []queued) string {
	if len(list) == 0 {
		return "nothing"
	}
	var names []string
	for _, l := range list {
		if n := d.nameOf(l); !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	if more := len(names) - mostNames; more > 0 {
		names = append(names[:mostNames], fmt.Sprintf("%d others", more))
	}
	return strings.Join(names, ", ")
}

const mostNames = 8
