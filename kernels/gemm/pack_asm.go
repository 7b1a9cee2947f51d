//go:build !purego && (amd64 || arm64)

package gemm

// Packer is a PackFunc by a routine, which takes groups of as many rows as a register has lanes, and so many elements of the panel at once.
// An element holds perElement weights. The remainder goes through plain.
func Packer(lanes, steps, perElement int, routine PackRoutine, plain PackFunc) PackFunc {
	return func(dst []float32, nr int, m Matrix, r, rows, c, cols int) {
		n, i := min(cols, (m.Cols-c*perElement)/perElement)/steps, 0
		at := m.Layout.(ElementLayout).Elements(m)
		for ; n > 0 && i+lanes <= rows; i += lanes {
			routine(n, &dst[i], nr, at.At(r+i, c*perElement), m.Stride)
		}
		plain(dst[i:], nr, m, r+i, rows-i, c, cols)
		if done := n * steps; i > 0 && done < cols {
			plain(dst[done*nr:], nr, m, r, i, c+done, cols-done)
		}
	}
}
