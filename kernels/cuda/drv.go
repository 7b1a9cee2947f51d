//go:build cuda && linux && cgo

package cuda

// #cgo LDFLAGS: -ldl
// #include <stdlib.h>
// #include "drv.h"
import "C"

import (
	"errors"
	"sync"
	"unsafe"
)

// driver is the driver's library, opened.
type driver struct{ table *C.drv_table }

// drivers are those that are open, by the library's name: they stay so.
var drivers struct {
	sync.Mutex
	open map[string]*driver
}

// openDriver opens the driver's library and starts it. The system's is looked for in more places than the loader knows.
func openDriver(library string) (*driver, error) {
	drivers.Lock()
	defer drivers.Unlock()
	if d := drivers.open[library]; d != nil {
		return d, nil
	}
	d, err := startLibrary(library)
	var missing *MissingDriver
	if errors.As(err, &missing) && library == systemLibrary {
		for _, place := range otherPlaces() {
			if d, err = startLibrary(place); !errors.As(err, &missing) {
				break
			}
		}
	}
	if err != nil {
		return nil, err
	}
	if drivers.open == nil {
		drivers.open = map[string]*driver{}
	}
	drivers.open[library] = d
	return d, nil
}

// startLibrary opens one library and starts the driver.
func startLibrary(library string) (*driver, error) {
	table := (*C.drv_table)(C.calloc(1, C.sizeof_drv_table))
	path := C.CString(library)
	defer C.free(unsafe.Pointer(path))
	var text [1024]C.char
	code := C.drv_open(path, table, &text[0], C.size_t(len(text)))
	if code == -1 { // a driver that is too old lacks functions
		C.free(unsafe.Pointer(table))
		var version C.int
		if C.drv_older(path, &version) == 0 && version < leastVersion {
			return nil, &OldDriver{Version: int(version)}
		}
		return nil, &MissingDriver{Library: library, Reason: C.GoString(&text[0])}
	}
	d := &driver{table}
	if code == 0 {
		return d, nil
	}
	doing := startDriver
	if C.drv_file(table, &text[0], C.size_t(len(text))) != 0 {
		doing += " " + C.GoString(&text[0])
	}
	err := d.check(doing, code)
	C.free(unsafe.Pointer(table))
	return nil, err
}

// check is the error of a code of the driver, nil for 0.
func (d *driver) check(doing string, code C.int) error {
	if code == 0 {
		return nil
	}
	return &Error{Doing: doing, Code: int(code), Text: C.GoString(C.drv_text(d.table, code))}
}

// address is a place in device memory, in bytes.
type address uint64

// context is a device of a driver, made ready.
type context struct {
	*driver
	handle  unsafe.Pointer
	ordinal C.int
	stream  unsafe.Pointer // everything happens on it, in order
	modules []unsafe.Pointer
	held    map[address]uint64 // allocations, and how many bytes each has
	used    uint64             // bytes of all of them
	most    uint64             // of used so far
	failed  C.size_t           // of a list of launches, the one that had an error
	made    uint64             // dry: the places that were given out
	dry     bool               // nothing is asked of the driver: see Device.Dry
}

// retain makes a device ready.
func (d *driver) retain(ordinal int) (*context, Info, error) {
	var version, count C.int
	if err := d.check("ask for the driver's version", C.drv_version(d.table, &version)); err != nil {
		return nil, Info{}, err
	}
	if version < leastVersion {
		return nil, Info{}, &OldDriver{Version: int(version)}
	}
	if err := d.check("count the GPUs", C.drv_devices(d.table, &count)); err != nil {
		return nil, Info{}, err
	}
	if count == 0 {
		return nil, Info{}, d.check("find a GPU", codeNoDevice)
	}
	if ordinal < 0 || ordinal >= int(count) {
		return nil, Info{}, &NoSuchGPU{Ordinal: ordinal, Count: int(count)}
	}
	c := &context{driver: d, held: map[address]uint64{}}
	var name [256]C.char
	var major, minor, processors C.int
	code := C.drv_retain(d.table, C.int(ordinal), &c.handle, &c.ordinal, &name[0], C.int(len(name)), &major, &minor, &processors)
	if err := d.check("open the GPU", code); err != nil {
		return nil, Info{}, err
	}
	var err error
	if major < leastMajor {
		err = &OldGPU{Ordinal: ordinal, Name: C.GoString(&name[0]), Major: int(major), Minor: int(minor)}
	}
	var total uint64
	if err == nil {
		_, total, err = c.memory()
	}
	if err == nil {
		err = d.check("make a stream", C.drv_stream(d.table, c.handle, &c.stream))
	}
	if err != nil {
		c.close()
		return nil, Info{}, err
	}
	return c, Info{Name: C.GoString(&name[0]), Major: int(major), Minor: int(minor), Processors: int(processors), Driver: int(version), Memory: total}, nil
}

// load loads the kernels of one file.
func (c *context) load(image []byte) error {
	var module unsafe.Pointer
	err := c.check("load the kernels", C.drv_load(c.table, c.handle, unsafe.Pointer(unsafe.SliceData(image)), &module))
	if err == nil {
		c.modules = append(c.modules, module)
	}
	return err
}

// function is a kernel by its name, and how many bytes its argument has.
func (c *context) function(name string) (f unsafe.Pointer, size int, err error) {
	s := C.CString(name)
	defer C.free(unsafe.Pointer(s))
	code, n := C.int(codeNoFunction), C.size_t(0)
	for _, m := range c.modules {
		if code = C.drv_function(c.table, c.handle, m, s, &f, &n); code != codeNoFunction {
			break
		}
	}
	return f, int(n), c.check("find the kernel "+name, code)
}

func (c *context) memory() (free, total uint64, err error) {
	var f, t C.size_t
	err = c.check("ask for the GPU's memory", C.drv_memory(c.table, c.handle, &f, &t))
	return uint64(f), uint64(t), err
}

// alloc is n bytes, at least one.
func (c *context) alloc(n uint64) (address, error) {
	if c.dry {
		return c.count(n), nil
	}
	var p C.drv_ptr
	code := C.drv_alloc(c.table, c.handle, &p, C.size_t(max(n, 1)))
	if code == codeOutOfMemory {
		if free, total, err := c.memory(); err == nil {
			return 0, &OutOfMemory{Need: n, Free: free, Total: total}
		}
	}
	if code == 0 {
		c.held[address(p)] = n
		c.used += n
		c.most = max(c.most, c.used)
	}
	return address(p), c.check("allocate "+inUnits(n)+" of the GPU's memory", code)
}

func (c *context) free(p address) error {
	c.used -= c.held[p]
	delete(c.held, p)
	if c.dry {
		return nil
	}
	return c.check("free memory of the GPU", C.drv_free(c.table, c.handle, C.drv_ptr(p)))
}

// pin is n bytes of the host's memory that the GPU reads by itself.
func (c *context) pin(n int) (p unsafe.Pointer, err error) {
	err = c.check("pin memory", C.drv_pin(c.table, c.handle, &p, C.size_t(n)))
	return p, err
}

func (c *context) unpin(p unsafe.Pointer) { C.drv_unpin(c.table, c.handle, p) }

// close gives the device back, and all of its memory: another model of the process may hold the same one, and then the driver keeps it.
func (c *context) close() {
	if c.stream != nil {
		C.drv_stream_destroy(c.table, c.handle, c.stream)
	}
	for p := range c.held {
		C.drv_free(c.table, c.handle, C.drv_ptr(p))
	}
	for _, m := range c.modules {
		C.drv_unload(c.table, c.handle, m)
	}
	C.drv_release(c.table, c.ordinal)
}
