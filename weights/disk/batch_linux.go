package disk

import (
	"os"

	"golang.org/x/sys/unix"
)

// syncFiles makes files durable by one sync of the file system that root lies in.
func syncFiles(root string, _ []string) error {
	f, err := os.Open(root)
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.Syncfs(int(f.Fd()))
}

// syncNames makes renames within directories durable.
func syncNames(root string, dirs map[string]bool) error {
	if len(dirs) > fewFiles {
		return syncFiles(root, nil)
	}
	return syncEach(dirs)
}
