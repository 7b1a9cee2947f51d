//go:build purego || (!amd64 && !arm64)

package kernels

func machinePeaks() peakLoops { return genericPeaks() }
