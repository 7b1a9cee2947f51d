//go:build purego || (!amd64 && !arm64)

package qgemm

// machineSets is nil: this build has only the Go loops.
func machineSets(string) []*Kernels { return nil }
