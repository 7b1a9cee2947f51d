package attribution

import "fmt"

// Rim is how much of a map lies on the outermost patches of the pictures. Attention that gathers there, or on a few patches
// whatever is in them, is an attention sink (Xiao and others, arXiv 2309.17453; in vision transformers Darcet and others,
// "Vision Transformers Need Registers", arXiv 2309.16588). It says that a head has nothing to look for, not that the rim
// matters.
type Rim struct {
	Share float64 `json:"share"` // of the map's sum
	Cells float64 `json:"cells"` // of the map's cells: what Share would be if all got the same
	// Most is the largest value, as a multiple of the mean, and MostAt the cell that has it.
	Most   float64 `json:"most"`
	MostAt Cell    `json:"most_at"`
}

// Cell is a cell of a panel, counted from 0.
type Cell struct {
	Panel int `json:"panel"`
	Row   int `json:"row"`
	Col   int `json:"col"`
}

// String is the cell in words, its row and column counted from 1.
func (c Cell) String() string {
	text := fmt.Sprintf("row %d, column %d", c.Row+1, c.Col+1)
	if c.Panel > 0 {
		text += fmt.Sprintf(" of panel %d", c.Panel+1)
	}
	return text
}

// Rim computes the Rim of a map without negative values.
func (m *Map) Rim() Rim {
	var r Rim
	sum, rim, cells := 0.0, 0.0, 0
	for n, p := range m.Panels {
		for i, v := range p.Values {
			row, col := i/p.Cols, i%p.Cols
			sum += v
			cells++
			if row == 0 || col == 0 || row == p.Rows-1 || col == p.Cols-1 {
				rim += v
				r.Cells++
			}
			if v > r.Most {
				r.Most, r.MostAt = v, Cell{n, row, col}
			}
		}
	}
	r.Cells /= float64(cells)
	if sum > 0 {
		r.Share = rim / sum
		r.Most *= float64(cells) / sum
	}
	return r
}
