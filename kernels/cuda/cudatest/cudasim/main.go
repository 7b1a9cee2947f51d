package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/loupe-vl/loupe/kernels/cuda/cudatest"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "cudasim: name the one file to write")
		os.Exit(2)
	}
	if err := cudatest.Build(filepath.Join("kernels", "cuda"), os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "cudasim:", err)
		os.Exit(1)
	}
}
