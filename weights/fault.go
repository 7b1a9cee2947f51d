package weights

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"unsafe"
)

// FaultError is a mapped file that could not be read where it was used: it was made shorter, or the disk or the network did
// not give it.
type FaultError struct {
	Path   string
	Offset int64 // in bytes, of what could not be read
	Size   int64 // when it was opened
}

// Error names the file, what became of it, and what to do.
func (e *FaultError) Error() string {
	if info, err := os.Stat(e.Path); err == nil && info.Size() <= e.Offset {
		return fmt.Sprintf("%s was made shorter while it was in use, from %d bytes to %d, and byte %d is needed; put the whole file back and start again", e.Path, e.Size, info.Size(), e.Offset)
	}
	return fmt.Sprintf("%s cannot be read at byte %d: its disk or network does not give it; check that and start again", e.Path, e.Offset)
}

// CatchFaults is for functions that read mapped files:
//
//	defer weights.CatchFaults(&err)()
//
// A fault of the calling goroutine, or one that a kernel's worker hands on to it, then is a *FaultError in err, and not the end
// of the program.
func CatchFaults(err *error) func() {
	old := debug.SetPanicOnFault(true)
	return func() {
		debug.SetPanicOnFault(old)
		recovered(recover(), err)
	}
}

// RecoverFault is the part of CatchFaults that allocates nothing, to be deferred itself where the goroutine panics on faults
// already.
func RecoverFault(err *error) { recovered(recover(), err) }

// recovered takes a panic that comes of a map. Any other goes on.
func recovered(v any, err *error) {
	if v == nil {
		return
	}
	if fault := faultOf(v); fault != nil {
		*err = fault
		return
	}
	panic(v)
}

// faultOf is the fault that a panic's value stands for; nil for none of a mapped file.
func faultOf(v any) *FaultError {
	at, ok := v.(interface {
		runtime.Error
		Addr() uintptr
	})
	if !ok {
		return nil
	}
	maps.Lock()
	defer maps.Unlock()
	for _, m := range slices.Backward(maps.list) { // the last ones first: an address may have been another file's before
		if at.Addr() >= m.begin && at.Addr()-m.begin < m.size {
			return &FaultError{m.path, int64(at.Addr() - m.begin), int64(m.size)}
		}
	}
	return nil
}

// maps are the files that are mapped, and the last few that were: a panic may come from behind the Close of its file.
var maps struct {
	sync.Mutex
	list   []mapping
	closed int
}

type mapping struct {
	path        string
	begin, size uintptr
	closed      bool
}

// closedMaps is how many are remembered.
const closedMaps = 32

func (f *File) register() {
	maps.Lock()
	defer maps.Unlock()
	maps.list = append(maps.list, mapping{f.path, addressOf(f.data), uintptr(len(f.data)), false})
}

func (f *File) unregister() {
	maps.Lock()
	defer maps.Unlock()
	for i, m := range slices.Backward(maps.list) {
		if m.begin == addressOf(f.data) && !m.closed {
			maps.list[i].closed = true
			maps.closed++
			break
		}
	}
	if maps.closed > closedMaps {
		i := slices.IndexFunc(maps.list, func(m mapping) bool { return m.closed })
		maps.list = slices.Delete(maps.list, i, i+1)
		maps.closed--
	}
}

func addressOf(data []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(data))) }
