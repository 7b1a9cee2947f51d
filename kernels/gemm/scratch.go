package gemm

// Scratch is the working memory of a product on one goroutine.
type Scratch struct {
	panels []float32 // a group of packed panels of w: maxKC x NR each
	spare  []float32 // the panel of w that comes next, while it is packed beside the tiles of this one
	x      []float32 // x, packed in tiles of MR rows
	rows   []float32 // a panel of w, dequantized row by row, before it is packed
	edge   []float32 // a tile that is cut by the edge of dst
}

// NewScratch is an empty scratch, which grows as it is used.
func NewScratch() *Scratch { return &Scratch{} }

// Bytes is the memory that the scratch has grown to.
func (s *Scratch) Bytes() int {
	return 4 * (cap(s.panels) + cap(s.spare) + cap(s.x) + cap(s.rows) + cap(s.edge))
}

// Panels is room for n numbers of packed weights, and Edge for n of a tile that is cut by the edge of a result. What they hold is undefined.
func (s *Scratch) Panels(n int) []float32 { return Grow(&s.panels, n) }

// Edge is room for n numbers of a tile: see Panels.
func (s *Scratch) Edge(n int) []float32 { return Grow(&s.edge, n) }

// Grow is the first n numbers of s, whose memory is made anew where it is shorter.
func Grow(s *[]float32, n int) []float32 {
	if cap(*s) < n {
		*s = make([]float32, n)
	}
	return (*s)[:n]
}
