package durable

import (
	"os"

	"golang.org/x/sys/unix"
)

// syncAll makes files durable by one sync of the file system that root lies in.
func syncAll(root string, _ []string) error {
	f, err := os.Open(root)
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.Syncfs(int(f.Fd()))
}

// syncDirs makes renames within directories durable.
func syncDirs(root string, dirs map[string]bool) error {
	if len(dirs) > alone {
		return syncAll(root, nil)
	}
	var names []string
	for dir := range dirs {
		names = append(names, dir)
	}
	return syncEach(names)
}
