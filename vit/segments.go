package vit

import "github.com/loupe-vl/loupe/kernels/tensor"

// Segments are the rows of a block that attend to each other: those of a frame, or of a window of one.
//
// The residual stream always has its rows in the order of the pixels, and so has every tap and every edit. A window's rows do not
// lie together in that order, and attention wants them so: Order says how they stand while the block attends. Other towers permute
// the whole stream once and put back what comes out (Qwen2_5_VisionTransformerPretrainedModel). That gives the same numbers, row
// by row, but then each tap, its gradient and each edit has to know the order. Here four copies a block are all that windows cost.
type Segments struct {
	Parts []tensor.Segment // runs of rows, as they stand in Order
	Order []int            // the row that stands at each place; nil: rows stand as they lie
	back  []int            // the place of each row
}

// InOrder are the segments whose rows stand in an order of their own.
func InOrder(order []int, parts []tensor.Segment) Segments {
	s := Segments{Parts: parts, Order: order, back: make([]int, len(order))}
	for place, row := range order {
		s.back[row] = place
	}
	return s
}

// Rows are the rows of segment i, in the order in which they stand.
func (s Segments) Rows(i int) []int {
	part := s.Parts[i]
	if s.Order != nil {
		return s.Order[part.Start:part.End]
	}
	rows := make([]int, part.End-part.Start)
	for n := range rows {
		rows[n] = part.Start + n
	}
	return rows
}

// attend is attention within each segment: q, k and v, (patches, width), to heads, (patches, width), all in the order of the
// pixels. Of a segment's scores and probabilities rows and columns are as they stand.
func (s Segments) attend(r *tensor.Run, at tensor.Point, q, k, v tensor.Tensor, heads int) tensor.Tensor {
	if s.Order == nil {
		return r.AttentionVarlen(at, q, heads, tensor.Keys(k, v, heads), s.Parts)
	}
	kv := tensor.Keys(r.Select(k, s.Order), r.Select(v, s.Order), heads)
	out := r.AttentionVarlenUntapped(at, r.Select(q, s.Order), heads, kv, s.Parts)
	return r.TapHeads(at.Sub("heads"), r.Select(out, s.back), heads)
}

// frames are the segments of a tower whose patches attend to their whole frame: an image is one, a video one for each pair of
// pictures. earlier are the grids of an earlier pass of the same request, whose frames are numbered before these.
func frames(grids, earlier []Grid) Segments {
	first := 0
	for _, g := range earlier {
		first += g[0]
	}
	var parts []tensor.Segment
	at := 0
	for _, g := range grids {
		for range g[0] {
			parts = append(parts, tensor.Segment{Start: at, End: at + g[1]*g[2], Index: first + len(parts)})
			at += g[1] * g[2]
		}
	}
	return Segments{Parts: parts}
}
