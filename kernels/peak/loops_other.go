//go:build purego || (!amd64 && !arm64)

package peak

func machineLoops() machine { return genericLoops() }
