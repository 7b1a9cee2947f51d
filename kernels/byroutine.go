//go:build !purego && (amd64 || arm64)

package kernels

// Assembly routines take whole registers or blocks. The functions here call them for those, and do the remainder in plain Go.

// packer is packFunc by groups of as many rows as a register has lanes, with the rest in plain Go.
func packer(lanes int, f32, bf16, f16 packRoutine) packFunc {
	routines := [...]packRoutine{F32: f32, BF16: bf16, F16: f16}
	steps := [...]int{F32: 4, BF16: 8, F16: 4} // that a routine takes at once
	return func(dst []float32, nr int, m Matrix, r, rows, c, cols int) {
		n := cols / steps[m.Kind]
		i := 0
		for ; n > 0 && i+lanes <= rows; i += lanes {
			routines[m.Kind](n, &dst[i], nr, m.at(r+i, c), m.Stride)
		}
		packGeneric(dst[i:], nr, m, r+i, rows-i, c, cols)
		if done := n * steps[m.Kind]; i > 0 && done < cols {
			packGeneric(dst[done*nr:], nr, m, r, i, c+done, cols-done)
		}
	}
}

// bf16Packer is a packFunc for bfloat16 weights. It takes groups of lanes rows and steps elements of the panel at once; an element
// holds per weights. The remainder, and other kinds, go through plain.
func bf16Packer(lanes, steps, per int, routine packRoutine, plain packFunc) packFunc {
	return func(dst []float32, nr int, m Matrix, r, rows, c, cols int) {
		n, i := min(cols, (m.Cols-c*per)/per)/steps, 0
		if m.Kind != BF16 {
			n = 0
		}
		for ; n > 0 && i+lanes <= rows; i += lanes {
			routine(n, &dst[i], nr, m.at(r+i, c*per), m.Stride)
		}
		plain(dst[i:], nr, m, r+i, rows-i, c, cols)
		if done := n * steps; i > 0 && done < cols {
			plain(dst[done*nr:], nr, m, r, i, c+done, cols-done)
		}
	}
}

// quantizer is a quantizeXFunc by routines for whole spans: spans of one block, of spanBlocks, and of spanBlocks with an offset for
// each block.
func quantizer(one, long, own func(n int, dst *xBlock, x *float32, zero int)) quantizeXFunc {
	return func(dst []xBlock, x []float32, how xSpans) {
		n, routine := len(x)/(how.span*blockSteps), one
		switch {
		case how.span == spanBlocks && how.own:
			routine = own
		case how.span == spanBlocks:
			routine = long
		}
		if n > 0 {
			routine(n, &dst[0], &x[0], int(how.zero))
		}
		quantizeXGeneric(dst[n*how.span:], x[n*how.span*blockSteps:], how)
	}
}

// swappedRounder is roundXSwapped by so many numbers at a time.
func swappedRounder(lanes int, routine func(n int, dst, x *float32)) roundXFunc {
	return func(dst, x []float32) {
		n := len(x) / lanes
		if n > 0 {
			routine(n, &dst[0], &x[0])
		}
		roundXSwapped(dst[lanes*n:], x[lanes*n:])
	}
}
