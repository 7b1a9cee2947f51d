//go:build purego || (!amd64 && !arm64)

package kernels

// machinePaths is empty: this build has only the plain Go forms.
func machinePaths() []*path { return nil }
