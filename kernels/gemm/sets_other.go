//go:build purego || (!amd64 && !arm64)

package gemm

// machineSets is empty: this build has only the Go loops.
func machineSets() []*Kernels { return nil }
