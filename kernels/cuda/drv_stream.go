//go:build cuda && linux && cgo

package cuda

// #include <stdlib.h>
// #include "drv.h"
import "C"

import (
	"fmt"
	"unsafe"
)

// queued is a launch that waits in the queue: a kernel, its grid, the threads of a block, and where its argument lies. It is drv_launch.
type queued struct {
	function  uintptr
	grid      [3]uint32
	threads   uint32
	at, bytes uint32
}

var _ = [1]int{}[unsafe.Sizeof(queued{})-C.sizeof_drv_launch]

// graph is a list of launches that goes to the GPU as one.
type graph = C.drv_graph

func first(list []queued) *C.drv_launch { return (*C.drv_launch)(unsafe.Pointer(&list[0])) }

// launchAll hands launches over, one after the other. After an error it says which one had it.
func (c *context) launchAll(list []queued, args []uint64) (failed int, code C.int) {
	code = C.drv_launch_all(c.table, c.handle, c.stream, first(list), C.size_t(len(list)), (*C.char)(unsafe.Pointer(&args[0])), &c.failed)
	return int(c.failed), code
}

// makeGraph makes a graph of a list.
func (c *context) makeGraph(g *graph, list []queued, args []uint64) error {
	return c.check("make a graph of kernels", C.drv_graph_make(c.table, c.handle, first(list), C.size_t(len(list)), (*C.char)(unsafe.Pointer(&args[0])), C.size_t(8*len(args)), g))
}

// launchGraph launches a graph with the arguments of the list.
func (c *context) launchGraph(g *graph, list []queued, args []uint64) (failed int, code C.int) {
	code = C.drv_graph_launch(c.table, c.handle, c.stream, g, first(list), C.size_t(len(list)), (*C.char)(unsafe.Pointer(&args[0])), &c.failed)
	return int(c.failed), code
}

func (c *context) destroyGraph(g *graph) { C.drv_graph_destroy(c.table, c.handle, g) }

// wait waits until everything is done.
func (c *context) wait() C.int { return C.drv_stream_wait(c.table, c.handle, c.stream) }

// up and down copy n bytes between the device and memory that must stay until the copy is done.
func (c *context) up(to address, from unsafe.Pointer, n int) error {
	return c.check("copy to the GPU", C.drv_up(c.table, c.handle, c.stream, C.drv_ptr(to), from, C.size_t(n)))
}

func (c *context) down(to unsafe.Pointer, from address, n int) error {
	return c.check("copy from the GPU", C.drv_down(c.table, c.handle, c.stream, to, C.drv_ptr(from), C.size_t(n)))
}

// event is a place in the stream that one can wait for.
type event struct{ handle unsafe.Pointer }

func (c *context) event() (e event, err error) {
	err = c.check("make an event", C.drv_event(c.table, c.handle, &e.handle))
	return e, err
}

func (c *context) record(e event) error {
	return c.check("record an event", C.drv_event_record(c.table, c.handle, e.handle, c.stream))
}

func (c *context) waitFor(e event) error {
	return c.check("wait for a copy", C.drv_event_wait(c.table, c.handle, e.handle))
}

func (c *context) destroyEvent(e event) { C.drv_event_destroy(c.table, c.handle, e.handle) }

// stagingMemory is n bytes of the host's that copies pass through: pinned, or where the system pins no more (containers, a limit of locked
// memory) memory like any other, from which the driver copies more slowly.
func (c *context) stagingMemory(n int) (p unsafe.Pointer, pinned bool, err error) {
	p, err = c.pin(n)
	if err == nil {
		return p, true, nil
	}
	if e, ok := err.(*Error); ok && e.Lost() {
		return nil, false, err
	}
	if p = C.malloc(C.size_t(n)); p == nil {
		return nil, false, fmt.Errorf("cuda: no %s of memory for copies to the GPU: %w", inUnits(uint64(n)), err)
	}
	return p, false, nil
}

func (c *context) freeStaging(p unsafe.Pointer, pinned bool) {
	if pinned {
		c.unpin(p)
	} else {
		C.free(p)
	}
}
