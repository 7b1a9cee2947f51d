//go:build !purego

package vec

// NEON are the kernels of every arm64 processor.
var NEON = &Kernels{&routinesNEON}

func machineSets() []Set { return []Set{{"neon", true, NEON}} }
