package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestCommittedFilesAreGenerated: the assembly in the package is what this program writes.
func TestCommittedFilesAreGenerated(t *testing.T) {
	asm, decl := generate()
	for name, want := range map[string][]byte{"matmul_amd64.s": asm, "matmul_amd64.go": decl} {
		got, err := os.ReadFile(filepath.Join("..", "..", name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("kernels/%s is not what the generator writes: run go generate ./kernels", name)
		}
	}
}
