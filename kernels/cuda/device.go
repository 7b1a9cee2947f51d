//go:build cuda && linux && cgo

package cuda

import (
	"embed"
	"errors"
	"os"
	"sync"

	"github.com/loupe-vl/loupe/kernels"
)

// The compiled kernels, a file for each of src: see gen.sh.
//
//go:embed fatbin/*.fatbin
var fatbin embed.FS

// Device is a GPU. Operations come back before they are done; what goes wrong in them is the error of the next call that has one, and of
// every call after that.
type Device struct {
	info Info
	ctx  *context

	mu          sync.Mutex // held by an operation while it launches its kernels, which then run in that order
	err         error      // the first one
	functions   map[string]kernel
	live        map[address]alive // allocations that somebody holds
	dead        dead              // memory that nobody holds any more
	allocations uint64            // so far
	queue       queue
	busy        bool      // something was handed over since the last wait
	freed       []address // to be freed at the next wait
	staging     staging
	hostIDs     []int32 // row numbers on their way up, kept for the next ones
	scratch     [scratches]scratch
	attention   attending // kept for the next one: decoding allocates nothing
	table       []uint64  // what scratchTable holds
	left        prepared  // of the last product, where nothing came after it; none else
	preparing   prepared  // of the product that is being queued
}

var _ kernels.Device = (*Device)(nil)

// Open makes a GPU ready.
func Open(o Options) (*Device, error) {
	library, own := o.library()
	driver, err := openDriver(library)
	if err != nil {
		return nil, err
	}
	ctx, info, err := driver.retain(o.Ordinal)
	if err != nil {
		return nil, err
	}
	if !own {
		info.Library = library
	}
	d := &Device{info: info, ctx: ctx, functions: map[string]kernel{}, live: map[address]alive{}}
	d.queue.noGraphs = o.NoGraphs || os.Getenv("CUDA_LAUNCH_BLOCKING") == "1" // the driver then waits for each launch, to name the one that fails
	if err := d.start(); err != nil {
		d.staging.close(ctx)
		ctx.close()
		return nil, err
	}
	return d, nil
}

// start loads the kernels and takes the memory that every call needs.
func (d *Device) start() error {
	files, err := fatbin.ReadDir("fatbin")
	if err != nil {
		return err
	}
	for _, f := range files {
		image, err := fatbin.ReadFile("fatbin/" + f.Name())
		if err != nil {
			return err
		}
		if err := d.ctx.load(image); err != nil {
			return err
		}
	}
	return d.staging.open(d.ctx)
}

// Built reports whether the program can open a GPU at all.
const Built = true

// Info is what the device is.
func (d *Device) Info() Info { return d.info }

var errClosed = errors.New("cuda: the device is closed")

// Close gives the device back. Nothing of it may be used any more.
func (d *Device) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if errors.Is(d.err, errClosed) {
		return nil
	}
	d.wait()
	err := d.err
	for _, s := range d.queue.graphs {
		d.ctx.destroyGraph(s.graph)
	}
	d.staging.close(d.ctx)
	d.ctx.close()
	d.queue, d.staging, d.err = queue{}, staging{}, errClosed
	return err
}

// Err is what went wrong first on the device, if anything did. It waits for what is still to be computed.
func (d *Device) Err() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wait()
	return d.err
}

// fail keeps the first error. d.mu is held.
func (d *Device) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

// Computes is true: there are numbers in the device's memory, unless it is dry.
func (d *Device) Computes() bool { return !d.ctx.dry }

// OnHost is false: what is computed with must be uploaded first.
func (d *Device) OnHost() bool { return false }
