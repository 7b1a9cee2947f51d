//go:build !linux

package disk

import (
	"errors"
	"os"
)

// syncFiles makes files durable, one by one.
func syncFiles(_ string, names []string) error {
	for _, name := range names {
		f, err := os.OpenFile(name, os.O_RDWR, 0) // Windows syncs only what is open for writing
		if err != nil {
			return err
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// syncNames makes renames within directories durable.
func syncNames(_ string, dirs map[string]bool) error { return syncEach(dirs) }
