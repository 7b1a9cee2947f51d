package report

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"image"
	"image/png"
	"slices"
	"strings"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/trace/attribution"
)

// AttentionMaps are rows of attention over the pictures' merged tokens, for each layer, head and token. To keep the page
// small each row is quantized to bytes between its least and its largest number.
type AttentionMaps struct {
	Layers  int     `json:"layers"`
	Queries int     `json:"looks"` // tokens with a row
	Heads   [][]int `json:"heads"` // of each layer: those that are kept, as many in each; -1, the mean over all, is the first
	All     int     `json:"all"`   // how many heads a layer has
	// Values are the bytes of layers x heads x queries x cells. Least, Largest and Share, the sum of the row, are of layers x
	// heads x queries.
	Values  []byte    `json:"-"`
	Least   []float32 `json:"-"`
	Largest []float32 `json:"-"`
	Share   []float32 `json:"-"`
}

// rows is all attention, layers x heads (the mean first) x queries x cells, before heads are chosen.
type rows struct {
	heads, queries, cells int
	data                  [][]float32 // of each layer
}

func (r *rows) row(layer, head, look int) []float32 {
	return r.data[layer][(head*r.queries+look)*r.cells:][:r.cells]
}

// addAttention runs the model with an answer, and keeps its tokens' attention to the pictures.
func (a *Analysis) addAttention(ctx context.Context, m *loupe.Model, p *loupe.Prompt, o AnalysisOptions) error {
	cfg := m.Config.Text
	cells := picturePositions(p)
	first := slices.Min(cells)
	n := len(p.IDs)
	picture := map[int]bool{}
	for _, at := range cells {
		picture[at] = true
	}
	// The budget must hold the mean over heads for every look. In a prompt too long for that, only the last tokens have a
	// look.
	most := max(1, o.Budget/(cfg.NumHiddenLayers*len(cells))-(o.Tokens-1))
	able := 0
	for i := first; i < n; i++ {
		if !picture[i] {
			able++
		}
	}
	lookAt := map[int]int{} // by position
	for i, id := range p.IDs {
		if picture[i] {
			continue
		}
		t := Token{ID: id, Text: m.Tokenizer.DecodeLossy([]int{id}), Position: i, Look: -1}
		if i > first {
			if able <= most {
				t.Look = len(lookAt)
				lookAt[i] = t.Look
			}
			able--
		}
		a.Tokens = append(a.Tokens, t)
	}
	prompt := len(lookAt)
	for i := range o.Tokens - 1 {
		lookAt[n+i] = prompt + i
	}
	all := &rows{heads: cfg.NumAttentionHeads + 1, queries: len(lookAt), cells: len(cells)}
	for range cfg.NumHiddenLayers {
		all.data = append(all.data, make([]float32, all.heads*all.queries*all.cells))
	}
	options := loupe.TraceOptions{Taps: []string{"model.layers.*.self_attn.probs"}, Steps: o.Tokens - 1}
	traced, err := m.Trace(ctx, p, options, func(t loupe.Tap) error { return all.take(t, n, lookAt, cells) })
	if err != nil {
		return err
	}
	for i, t := range traced.Tokens {
		token := Token{ID: t.ID, Text: m.Tokenizer.DecodeLossy([]int{t.ID}), Position: n + i, Answer: true, Look: -1}
		if i+1 < len(traced.Tokens) {
			token.Look = lookAt[n+i]
		}
		a.Tokens = append(a.Tokens, token)
	}
	all.average()
	a.Attention = all.choose(o.Budget, prompt+max(0, len(traced.Tokens)-1))
	if traced.Score != nil {
		for _, t := range traced.Score.Targets {
			a.Score = append(a.Score, ScoreTarget{t.Name, t.Value})
		}
	}
	return nil
}

// picturePositions are the positions in the prompt of its merged tokens, in the order of the panels.
func picturePositions(p *loupe.Prompt) []int {
	var out []int
	for _, v := range []*loupe.Vision{p.Images, p.Videos} {
		if v != nil {
			out = append(out, v.At...)
		}
	}
	return out
}

// take keeps the attention of queries to cells from a layer's probabilities, (heads, queries, keys).
func (r *rows) take(t loupe.Tap, prompt int, lookAt map[int]int, cells []int) error {
	step, layer, name := 0, 0, t.Name
	if s, rest, ok := strings.Cut(name, "/"); ok {
		if _, err := fmt.Sscanf(s, "steps.%d", &step); err != nil {
			return fmt.Errorf("tap %s: %w", t.Name, err)
		}
		name = rest
	}
	if _, err := fmt.Sscanf(name, "model.layers.%d.self_attn.probs", &layer); err != nil {
		return fmt.Errorf("tap %s: %w", t.Name, err)
	}
	heads, queries, keys := t.Shape[0], t.Shape[1], t.Shape[2]
	for q := range queries {
		at := q
		if step > 0 {
			at = prompt + step - 1
		}
		look, ok := lookAt[at]
		if !ok {
			continue
		}
		for h := range heads {
			to, from := r.row(layer, h+1, look), t.Data[(h*queries+q)*keys:]
			for i, c := range cells {
				to[i] = from[c]
			}
		}
	}
	return nil
}

// average fills in head 0: the mean of the others.
func (r *rows) average() {
	for layer := range r.data {
		for look := range r.queries {
			mean := r.row(layer, 0, look)
			for h := 1; h < r.heads; h++ {
				for i, v := range r.row(layer, h, look) {
					mean[i] += v
				}
			}
			for i := range mean {
				mean[i] /= float32(r.heads - 1)
			}
		}
	}
}

// choose keeps the mean and, in each layer, the heads with the most attention to the pictures, as many as fit in budget
// bytes. Of each it keeps the first queries rows.
func (r *rows) choose(budget, queries int) *AttentionMaps {
	per := max(1, len(r.data)*queries*r.cells)
	kept := min(r.heads-1, max(0, budget/per-1))
	out := &AttentionMaps{Layers: len(r.data), Queries: queries, All: r.heads - 1}
	for layer := range r.data {
		share := make([]float64, r.heads)
		order := make([]int, 0, r.heads-1)
		for h := 1; h < r.heads; h++ {
			order = append(order, h)
			for look := range queries {
				for _, v := range r.row(layer, h, look) {
					share[h] += float64(v)
				}
			}
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(share[b], share[a]) })
		heads := []int{-1}
		for _, h := range append([]int{0}, order[:kept]...) {
			if h > 0 {
				heads = append(heads, h-1)
			}
			for look := range queries {
				out.add(r.row(layer, h, look))
			}
		}
		out.Heads = append(out.Heads, heads)
	}
	return out
}

// add appends a row.
func (l *AttentionMaps) add(row []float32) {
	least, largest, sum := slices.Min(row), slices.Max(row), 0.0
	for _, v := range row {
		sum += float64(v)
		q := byte(0)
		if largest > least {
			q = byte((v-least)/(largest-least)*255 + 0.5)
		}
		l.Values = append(l.Values, q)
	}
	l.Least, l.Largest, l.Share = append(l.Least, least), append(l.Largest, largest), append(l.Share, float32(sum))
}

// TowerAttention is the attention that each patch receives, for each block and head of the vision tower: the mean over the
// querying patches of its frame. It is quantized as in AttentionMaps.
type TowerAttention struct {
	Blocks int   `json:"blocks"`
	Heads  []int `json:"heads"` // -1, the mean over all, is the first
	// Values are the bytes of blocks x heads x patches; Least and Largest are of blocks x heads.
	Values  []byte    `json:"-"`
	Least   []float32 `json:"-"`
	Largest []float32 `json:"-"`
}

// towerBudget is the number of bytes of the tower's attention beyond which heads are left out.
const towerBudget = 4_000_000

func (a *Analysis) addTower(ctx context.Context, m *loupe.Model, p *loupe.Prompt) error {
	cfg := m.Config.Vision
	t := &TowerAttention{Blocks: cfg.Depth, Heads: []int{-1}}
	heads := cfg.Depth*cfg.NumHeads*a.Patches <= towerBudget
	if heads {
		for h := range cfg.NumHeads {
			t.Heads = append(t.Heads, h)
		}
	}
	maps, err := attribution.Received(ctx, m, p, heads)
	if err != nil {
		return err
	}
	for _, of := range maps {
		q, s := quantized(of.All())
		t.Values = append(t.Values, q...)
		t.Least, t.Largest = append(t.Least, float32(s.Least)), append(t.Largest, float32(s.Largest))
	}
	a.Tower = t
	return nil
}

// encodePNG is a picture as the bytes of a PNG file.
func encodePNG(img image.Image) ([]byte, error) {
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return nil, fmt.Errorf("write picture: %w", err)
	}
	return b.Bytes(), nil
}
