//go:build purego || (!amd64 && !arm64)

package kernels

// quantSetsOf is nil: this build has only the plain Go forms.
func quantSetsOf(string) []*quantRoutines { return nil }
