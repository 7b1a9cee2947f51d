//go:build !purego && (amd64 || arm64)

package kernels

// Assembly routines take whole registers or blocks. The functions here call them for those, and do the remainder in plain Go.

// packer is a packFunc by groups of as many rows as a register has lanes, and so many elements of the panel at once. An element holds per
// weights. The remainder goes through plain.
func packer(lanes, steps, per int, routine packRoutine, plain packFunc) packFunc {
	return func(dst []float32, nr int, m Matrix, r, rows, c, cols int) {
		n, i := min(cols, (m.Cols-c*per)/per)/steps, 0
		at := m.Layout.(ElementLayout).Elements(m)
		for ; n > 0 && i+lanes <= rows; i += lanes {
			routine(n, &dst[i], nr, at.At(r+i, c*per), m.Stride)
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
