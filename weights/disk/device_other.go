//go:build !unix

package disk

import "io/fs"

// sameDevice takes all files for those of one file system.
func sameDevice(_, _ fs.FileInfo) bool { return true }
