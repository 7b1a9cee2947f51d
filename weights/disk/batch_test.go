package disk_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/loupe-vl/loupe/weights/disk"
)

// TestWriteBatch: the files of a small and of a large batch are there with their bytes and replace older ones, and no
// temporary stays, neither after success nor after an error.
func TestWriteBatch(t *testing.T) {
	for _, n := range []int{1, 40} {
		root := t.TempDir()
		var files []disk.BatchFile
		for i := range n {
			files = append(files, disk.BatchFile{Path: filepath.Join(root, "a", fmt.Sprint(i%3), fmt.Sprint(i)), Data: []byte{byte(i)}})
		}
		for range 2 {
			if err := disk.WriteBatch(root, files); err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				if data, err := os.ReadFile(f.Path); err != nil || !slices.Equal(data, f.Data) {
					t.Errorf("%s holds %v, %v; want %v", f.Path, data, err, f.Data)
				}
				f.Data[0]++
			}
		}
		inTheWay := append(files, disk.BatchFile{Path: filepath.Join(root, "a", "0"), Data: []byte("a directory is there")})
		if err := disk.WriteBatch(root, inTheWay); err == nil {
			t.Error("a file takes the place of a directory")
		}
		if got := names(t, root); !slices.Equal(got, []string{"a"}) {
			t.Errorf("there are %q; want a alone", got)
		}
	}
}

// TestCleanBatch: what a writer that died left half-written goes, everything else stays.
func TestCleanBatch(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{".loupe-ABC.part", ".loupe-ABC", "checkpoint"} {
		if err := os.WriteFile(filepath.Join(root, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := disk.CleanBatch(root); err != nil {
		t.Fatal(err)
	}
	if got := names(t, root); !slices.Equal(got, []string{".loupe-ABC", "checkpoint"}) {
		t.Errorf("there are %q", got)
	}
}
