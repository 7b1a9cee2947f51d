//go:build !purego && (amd64 || arm64)

package qgemm

// activationsBy is an activationsFunc by routines for whole groups: of one block, of a superblock, and of a superblock with an offset for
// each block.
func activationsBy(one, long, offsets func(n int, dst *q8Block, x *float32, zero int)) activationsFunc {
	return func(dst []q8Block, x []float32, how q8Options) {
		n, routine := len(x)/(how.group*blockSteps), one
		switch {
		case how.group == superblock && how.blockOffsets:
			routine = offsets
		case how.group == superblock:
			routine = long
		}
		if n > 0 {
			routine(n, &dst[0], &x[0], int(how.zero))
		}
		quantizeActivations(dst[n*how.group:], x[n*how.group*blockSteps:], how)
	}
}
