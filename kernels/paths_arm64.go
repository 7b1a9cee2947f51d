//go:build !purego

package kernels

// machinePaths lists the arm64 path: every arm64 processor has NEON.
func machinePaths() []*path {
	return []*path{{name: "neon", available: true, mr: 4, nr: 16, tile: tile4x16NEON, pack: packGeneric, packX: packXGeneric, vec: &vectorsNEON, quant: quantSetsARM64()}}
}

// tile4x16NEON is tileFunc for tiles of 4 x 16, the loop of tileGeneric:
//
//	for r := range 4 {
//		for c := range 16 {
//			acc := 0, or dst[r*stride+c] if accumulate != 0
//			for i := range k {
//				acc = FMA(x[i*4+r], w[i*16+c], acc)
//			}
//			dst[r*stride+c] = acc
//		}
//	}
//
//go:noescape
func tile4x16NEON(k int, x, w, dst *float32, stride int, accumulate int)
