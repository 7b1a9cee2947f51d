package weights

import (
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

// mapFile maps size bytes of f read-only.
func mapFile(f *os.File, size int) ([]byte, func() error, error) {
	h, err := windows.CreateFileMapping(windows.Handle(f.Fd()), nil, windows.PAGE_READONLY, 0, 0, nil)
	if err != nil {
		return nil, nil, err
	}
	addr, err := windows.MapViewOfFile(h, windows.FILE_MAP_READ, 0, 0, uintptr(size))
	if closed := windows.CloseHandle(h); err == nil {
		err = closed // the view keeps the mapping alive without its handle
	}
	if err != nil {
		return nil, nil, err
	}
	// The address lies outside Go's heap; reading it as a pointer is how the
	// unsafe rules let it become one.
	data := unsafe.Slice(*(**byte)(unsafe.Pointer(&addr)), size)
	return data, func() error { return windows.UnmapViewOfFile(addr) }, nil
}

// forget has nothing to do here.
func forget([]byte) {}
