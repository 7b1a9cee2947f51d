//go:build !unix && !windows

package disk

import (
	"errors"
	"os"
)

var errLocked = errors.New("it is locked")

func lock(*os.File) error { return errors.ErrUnsupported }

func owner() string { return "" }

func removeAbandoned(string) {}

func beforeRename(f *os.File) error { return f.Close() }

func removeLocked(f *os.File) { discard(f) }
