//go:build !purego

package gemm

// packLeft4 lays 4 rows of x, stride apart, side by side, mr columns to a row of dst:
//
//	for i := range n * 4 {
//		for r := range 4 {
//			dst[i*mr+r] = x[r*stride+i]
//		}
//	}
//
//go:noescape
func packLeft4(n int, dst *float32, mr int, x *float32, stride int)

// packLeft2 is packLeft4 with 2 for 4 rows: dst[i*mr+r] = x[r*stride+i] for i below n*4 and r below 2.
//
//go:noescape
func packLeft2(n int, dst *float32, mr int, x *float32, stride int)

// packLeftAVX is PackLeftFunc by fours and twos of rows, with the rest in plain Go.
func packLeftAVX(dst []float32, mr int, x View, r, rows, k, steps int) {
	if x.ColStride != 1 {
		packLeftGeneric(dst, mr, x, r, rows, k, steps)
		return
	}
	n, i := steps/4, 0
	at := func(i int) *float32 { return &x.Data[(r+i)*x.RowStride+k] }
	for ; n > 0 && i+4 <= rows; i += 4 {
		packLeft4(n, &dst[i], mr, at(i), x.RowStride)
	}
	for ; n > 0 && i+2 <= rows; i += 2 {
		packLeft2(n, &dst[i], mr, at(i), x.RowStride)
	}
	packLeftGeneric(dst[min(i, len(dst)):], mr, x, r+i, rows-i, k, steps)
	if done := n * 4; i > 0 && done < steps {
		packLeftGeneric(dst[done*mr:], mr, x, r, i, k+done, steps-done)
	}
}
