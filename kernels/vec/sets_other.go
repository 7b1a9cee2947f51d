//go:build purego || (!amd64 && !arm64)

package vec

// machineSets is empty: this build has only the Go loops.
func machineSets() []Set { return nil }
