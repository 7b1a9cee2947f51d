package report

import (
	"context"
	"fmt"
	"math"
	"slices"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/trace/attribution"
	"github.com/loupe-vl/loupe/runtime/trace/figure"
	"github.com/loupe-vl/loupe/runtime/trace/lens"
	"github.com/loupe-vl/loupe/weights/option"
)

// Analysis is what a page shows of one prompt: the pictures as the model saw them, the tokens of prompt and answer, the
// attention of each token in every layer and head, the attention that patches receive within the vision tower, attribution
// maps, and the logit lens of every layer.
type Analysis struct {
	Model     string            `json:"model"`
	Precision string            `json:"precision"`
	Device    *loupe.DeviceInfo `json:"device,omitempty"` // nil: a CPU
	Panels    []Panel           `json:"panels"`
	Cells     int               `json:"cells"`   // merged tokens of all panels
	Patches   int               `json:"patches"` // patches of all panels
	Tokens    []Token           `json:"tokens"`  // the text of the prompt, then the answer
	Score     []ScoreTarget     `json:"score,omitempty"`
	Attention *AttentionMaps    `json:"attention"`
	Tower     *TowerAttention   `json:"tower"`
	Maps      []PageMap         `json:"maps"`
	Words     *Words            `json:"words"`
}

// Panel is one frame of a picture.
type Panel struct {
	Kind  string `json:"kind"`
	Index int    `json:"index"`
	Frame int    `json:"frame"`
	Rows  int    `json:"rows"` // of merged tokens
	Cols  int    `json:"cols"`
	First int    `json:"first"` // the number of its first merged token among those of all panels
	Merge int    `json:"merge"`
	PNG   []byte `json:"png"` // as the model saw it
}

// Token is a token of the prompt that is no picture, or of the answer.
type Token struct {
	ID       int    `json:"id"`
	Text     string `json:"text"`
	Position int    `json:"position"`
	Answer   bool   `json:"answer"`
	// Look is the number of the token's row in AttentionMaps, -1 for none. Tokens before the pictures have none, since they
	// cannot see them; nor has the last token of the answer, which the model did not read, nor tokens of a very long prompt
	// that the budget has no room for.
	Look int `json:"look"`
}

// ScoreTarget is a target of the score head.
type ScoreTarget struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
}

// PageMap is a map on the panels, quantized to bytes of a scale.
type PageMap struct {
	Name   string           `json:"name"`
	Unit   string           `json:"unit"`
	Merge  int              `json:"merge"`
	Scale  figure.Scale     `json:"scale"`
	Values []byte           `json:"values"`
	Sum    *attribution.Sum `json:"sum,omitempty"`
}

// AnalysisOptions say what a page has beside attention.
type AnalysisOptions struct {
	Tokens  int                  // of the answer; 0: 16
	Methods []attribution.Method // maps to make
	Options attribution.Options  // of the methods
	Budget  int                  // bytes of attention; 0: 15 million
}

// Analyze makes an analysis. It takes one run for attention, one for the logit lens, and those of the methods.
func Analyze(ctx context.Context, m *loupe.Model, p *loupe.Prompt, o AnalysisOptions) (*Analysis, error) {
	if o.Tokens == 0 {
		o.Tokens = 16
	}
	if o.Budget == 0 {
		o.Budget = 15_000_000
	}
	if o.Tokens < 0 || o.Budget < 0 {
		return nil, fmt.Errorf("analysis: %d tokens and %d bytes; give numbers above 0", o.Tokens, o.Budget)
	}
	merge := m.Config.Vision.SpatialMergeSize
	a := &Analysis{Model: m.Name(), Precision: m.Settings().Precision, Device: m.GPU()}
	if err := a.addPanels(p, m, merge); err != nil {
		return nil, err
	}
	if err := a.addAttention(ctx, m, p, o); err != nil {
		return nil, err
	}
	if err := a.addTower(ctx, m, p); err != nil {
		return nil, err
	}
	for _, method := range o.Methods {
		if err := a.addMap(ctx, m, p, method, o.Options); err != nil {
			return nil, err
		}
	}
	return a, a.addWords(ctx, m, p)
}

// DefaultMethods are the maps of a page by default: methods that explain a target without many runs of the model, and
// contribution if the head is linear.
func DefaultMethods(m *loupe.Model, first attribution.Method) []attribution.Method {
	out := []attribution.Method{first}
	for _, method := range []attribution.Method{attribution.Contribution, attribution.Relevance, attribution.Rollout} {
		possible := method != attribution.Contribution || m.Head != nil && len(m.Head.Config.Hidden) == 0
		if possible && !slices.Contains(out, method) {
			out = append(out, method)
		}
	}
	return out
}

func (a *Analysis) addPanels(p *loupe.Prompt, m *loupe.Model, merge int) error {
	for _, v := range []*loupe.Vision{p.Images, p.Videos} {
		if v != nil {
			a.Cells += len(v.At)
		}
	}
	if a.Cells == 0 {
		return &option.Error{Field: "Files.Images", Fault: "there is no picture to look at", Want: "give Files.Images or Files.Videos"}
	}
	a.Patches = a.Cells * merge * merge
	grid, err := attribution.Place(p, merge, make([]float64, a.Cells))
	if err != nil {
		return err
	}
	first := 0
	for i, seen := range figure.Seen(p, m.Processor) {
		g := grid.Panels[i]
		png, err := encodePNG(seen)
		if err != nil {
			return err
		}
		a.Panels = append(a.Panels, Panel{Kind: g.Kind, Index: g.Index, Frame: g.Frame, Rows: g.Rows, Cols: g.Cols, First: first, Merge: merge, PNG: png})
		first += len(g.Values)
	}
	return nil
}

func (a *Analysis) addMap(ctx context.Context, m *loupe.Model, p *loupe.Prompt, method attribution.Method, o attribution.Options) error {
	found, err := attribution.Compute(ctx, m, p, method, o)
	if err != nil {
		return err
	}
	name := string(method)
	if found.Target != "" {
		name += ", " + found.Target
	}
	s := figure.ScaleOf(found.All())
	if attribution.Signed(method) {
		s = figure.SignedScaleOf(found.All())
	}
	q := quantizedBy(s, found.All())
	a.Maps = append(a.Maps, PageMap{Name: name, Unit: found.Unit, Merge: found.Merge, Scale: s, Values: q, Sum: found.Sum})
	return nil
}

// quantized maps each number to a byte: 0 is the least, 255 the largest. The error is at most half a step, 1/510 of the
// range.
func quantized(values []float64) ([]byte, figure.Scale) {
	s := figure.ScaleOf(values)
	return quantizedBy(s, values), s
}

// quantizedBy is each number as a byte of a scale.
func quantizedBy(s figure.Scale, values []float64) []byte {
	out := make([]byte, len(values))
	for i, v := range values {
		out[i] = byte(s.Part(v)*255 + 0.5)
	}
	return out
}

// Words are the words of every layer at each token with a Look, and of some layers at each picture token.
type Words struct {
	List   []string    `json:"list"`   // every word that is told of
	Layers []int       `json:"layers"` // of Tokens
	Top    int         `json:"top"`    // words of each layer of Tokens, the likeliest first
	Tokens [][]int     `json:"tokens"` // of each look: layers x top numbers of List; empty for tokens of the answer
	Probs  [][]float32 `json:"probs"`  // their probabilities, to three digits
	// Cells are, for each merged token in the order of the panels, the nearest word before the first layer and the
	// likeliest word after each of CellLayers.
	CellLayers []int   `json:"cell_layers"`
	Cells      [][]int `json:"cells"`

	numbers map[string]int
}

// number is a word's place in List.
func (w *Words) number(of lens.Word) int {
	text := shown(of)
	if n, ok := w.numbers[text]; ok {
		return n
	}
	w.List = append(w.List, text)
	w.numbers[text] = len(w.List) - 1
	return len(w.List) - 1
}

// cellLayers is the number of layers whose words are kept for picture tokens.
const cellLayers = 6

func (a *Analysis) addWords(ctx context.Context, m *loupe.Model, p *loupe.Prompt) error {
	w := &Words{Top: 3, numbers: map[string]int{}}
	a.Words = w
	var rows []int
	for _, t := range a.Tokens {
		if t.Look >= 0 && !t.Answer {
			rows = append(rows, t.Position)
		}
	}
	if len(rows) > 0 {
		found, err := lens.Logit(ctx, m, p, lens.LogitOptions{Positions: rows, Top: w.Top})
		if err != nil {
			return err
		}
		for i, row := range found.Rows {
			var numbers []int
			var probs []float32
			for _, l := range row.Layers {
				if i == 0 {
					w.Layers = append(w.Layers, l.Layer)
				}
				for _, word := range l.Words {
					numbers, probs = append(numbers, w.number(word)), append(probs, float32(math.Round(1000*word.Prob)/1000))
				}
			}
			w.Tokens, w.Probs = append(w.Tokens, numbers), append(w.Probs, probs)
		}
	}
	return a.addCellWords(ctx, m, p)
}

func (a *Analysis) addCellWords(ctx context.Context, m *loupe.Model, p *loupe.Prompt) error {
	w := a.Words
	n := m.Config.Text.NumHiddenLayers
	for i := range min(cellLayers, n) {
		w.CellLayers = append(w.CellLayers, (i+1)*n/min(cellLayers, n)-1)
	}
	nearest, err := lens.Nearest(ctx, m, p, lens.Input, 1)
	if err != nil {
		return err
	}
	var positions []int
	for _, t := range nearest.Tokens {
		positions = append(positions, t.Position)
	}
	found, err := lens.Logit(ctx, m, p, lens.LogitOptions{Positions: positions, Layers: w.CellLayers, Top: 1})
	if err != nil {
		return err
	}
	for i, t := range nearest.Tokens {
		cell := []int{w.number(t.Words[0])}
		for _, l := range found.Rows[i].Layers {
			cell = append(cell, w.number(l.Words[0]))
		}
		w.Cells = append(w.Cells, cell)
	}
	return nil
}
