package weights

import (
	"io"

	"github.com/loupe-vl/loupe/weights/disk"
)

// WriteFileAtomic is disk.WriteFile.
func WriteFileAtomic(path string, write func(w io.Writer) error) error {
	return disk.WriteFile(path, write)
}
