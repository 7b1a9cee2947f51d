package disk

import (
	"fmt"
	"io/fs"
	"os"
)

// Open opens a regular file for reading and returns its size in bytes. A directory, a named pipe, a socket or a device is
// refused at once, without waiting for whoever might write to it, and so is a file of more than limit bytes. Every error
// names the file; that of a file which is not there is fs.ErrNotExist.
func Open(path string, limit int64) (*os.File, int64, error) {
	info, err := os.Stat(path)
	if err == nil {
		err = check(path, info, limit) // opening a device can already do something
	}
	if err != nil {
		return nil, 0, err
	}
	f, err := openNonblocking(path)
	if err != nil {
		return nil, 0, err
	}
	info, err = f.Stat() // what was opened may no longer be what was looked at
	if err == nil {
		err = check(path, info, limit)
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

// check refuses what is not a regular file of at most limit bytes.
func check(path string, info fs.FileInfo, limit int64) error {
	if kind := kindOf(info.Mode()); kind != "" {
		return fmt.Errorf("%s is %s; give a file", path, kind)
	}
	if info.Size() > limit {
		return tooLarge(path, info.Size(), limit)
	}
	return nil
}

func tooLarge(path string, size, limit int64) error {
	return fmt.Errorf("%s has %d bytes, more than the limit of %d for such a file; check that it is the file that you mean", path, size, limit)
}

// kindOf says in words what a file is that is not a regular one.
func kindOf(m fs.FileMode) string {
	switch {
	case m.IsRegular():
		return ""
	case m.IsDir():
		return "a directory"
	case m&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	}
	return "neither a file nor a directory"
}
