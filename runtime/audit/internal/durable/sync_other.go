//go:build !linux

package durable

import "runtime"

// syncAll makes files durable, one by one.
func syncAll(_ string, names []string) error { return syncEach(names) }

// syncDirs makes renames within directories durable. Windows has no such call: there they are as durable as it gets.
func syncDirs(_ string, dirs map[string]bool) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	var names []string
	for dir := range dirs {
		names = append(names, dir)
	}
	return syncEach(names)
}
