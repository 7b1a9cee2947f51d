//go:build !purego && (amd64 || arm64)

package kernels

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
