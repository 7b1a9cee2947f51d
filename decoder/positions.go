package decoder

import (
	"fmt"

	"github.com/loupe-vl/loupe/kernels/num"
	"github.com/loupe-vl/loupe/kernels/tensor"
	"github.com/loupe-vl/loupe/weights"
)

// Positions are the M-RoPE positions of a run of tokens: time, height and width, each of the same length. Text has the
// same number in all three.
type Positions [3][]int

// Slice is positions [lo, hi).
func (p Positions) Slice(lo, hi int) Positions {
	return Positions{p[0][lo:hi], p[1][lo:hi], p[2][lo:hi]}
}

// Len is the number of tokens.
func (p Positions) Len() int { return len(p[0]) }

// Placeholder is a run of placeholder tokens that one picture or video takes: tokens [Start, Start+Grid/merge²).
type Placeholder struct {
	Start int
	Grid  [3]int // patches: frames, rows, columns
	// Times holds how far after the first each frame lies in time, in positions, ascending from 0. nil: 0, 1, 2 and so on.
	Times []int
}

// time is that of a frame.
func (p Placeholder) time(frame int) int {
	if p.Times == nil {
		return frame
	}
	return p.Times[frame]
}

// Tokens is the number of tokens that the placeholder takes.
func (p Placeholder) Tokens(merge int) int {
	return p.Grid[0] * (p.Grid[1] / merge) * (p.Grid[2] / merge)
}

// RopeIndex gives each of n tokens its M-RoPE position (Qwen2VLModel.get_rope_index): text counts on; a picture's tokens
// take (frame, row, column) from the place where it starts, and the text after it goes on max(rows, columns) later. The
// placeholders are in order of Start. delta is what must be added to a token's number to get the position of tokens
// that are generated later.
func RopeIndex(n int, placeholders []Placeholder, merge int) (pos Positions, delta int, err error) {
	for i := range pos {
		pos[i] = make([]int, 0, n)
	}
	next, highest := 0, -1
	text := func(until int) {
		for len(pos[0]) < until {
			for i := range pos {
				pos[i] = append(pos[i], next)
			}
			highest = max(highest, next)
			next++
		}
	}
	for _, p := range placeholders {
		if p.Start < len(pos[0]) || p.Start+p.Tokens(merge) > n {
			return pos, 0, fmt.Errorf("a picture's placeholders [%d, %d) overlap others or do not fit in %d tokens", p.Start, p.Start+p.Tokens(merge), n)
		}
		if p.Times != nil && len(p.Times) != p.Grid[0] {
			return pos, 0, fmt.Errorf("a video of %d frames has %d times; each frame has one", p.Grid[0], len(p.Times))
		}
		text(p.Start)
		rows, cols := p.Grid[1]/merge, p.Grid[2]/merge
		for t := range p.Grid[0] {
			for y := range rows {
				for x := range cols {
					pos[0], pos[1], pos[2] = append(pos[0], next+p.time(t)), append(pos[1], next+y), append(pos[2], next+x)
				}
			}
		}
		highest = max(highest, next+p.time(p.Grid[0]-1), next+rows-1, next+cols-1)
		next += max(rows, cols)
	}
	text(n)
	return pos, highest + 1 - n, nil
}

// mrope is how the pairs of a head's columns are rotated: each by its frequency times the position on its axis.
type mrope struct {
	freqs []float32
	axis  []int
}

func newMRoPE(cfg weights.TextConfig, family *Family) mrope {
	return mrope{freqs: num.RotaryFrequencies(cfg.HeadDim, cfg.RopeTheta), axis: family.Axes(cfg.MropeSection)}
}

// Sections gives the pairs of a head's columns to time, height and width one section after the other.
func Sections(section []int) (axis []int) {
	for a, width := range section {
		for range width {
			axis = append(axis, a)
		}
	}
	return axis
}

// rotary is M-RoPE: pair j of a head's columns is rotated by the time, height or width position, as mrope_section divides the pairs
// (apply_multimodal_rotary_pos_emb).
func (m *Model) rotary(r *tensor.Run, pos Positions) tensor.Rotary {
	angles := r.NewHost(pos.Len(), len(m.mrope.freqs))
	for i := range pos.Len() {
		row := angles.Row(i)
		for j, f := range m.mrope.freqs {
			row[j] = float32(pos[m.mrope.axis[j]][i]) * f
		}
	}
	return r.NewRotary(angles)
}
