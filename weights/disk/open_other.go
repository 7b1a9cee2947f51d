//go:build !unix

package disk

import "os"

func openNonblocking(path string) (*os.File, error) { return os.Open(path) }
