package tour

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/vit"
)

// Step is one stage of a picture's way through the model.
type Step struct {
	ID      string    `json:"id"` // resize, patches, rotary, head, merger, mrope, layer, logits or score
	Title   string    `json:"title"`
	Text    string    `json:"text"`            // a paragraph of plain words
	Why     string    `json:"why"`             // why the model has this step
	Formula string    `json:"formula"`         // in lines of text
	Facts   []Fact    `json:"facts"`           // the numbers of this run
	Tensors []Excerpt `json:"tensors"`         // what the step computes
	Figure  *Figure   `json:"figure"`          // nil: none
	Taps    string    `json:"taps"`            // the pattern with which `loupe trace --tap` writes the step's tensors; "": none
	Look    *Look     `json:"look,omitempty"`  // what to show on the picture beside it
	Source  string    `json:"source,omitzero"` // where the code is: "FILE FUNCTION, FILE FUNCTION"
	Papers  []Paper   `json:"papers"`
}

// Fact is a number, or a few, and what they are.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Figure is numbers to draw. Kind is "grid" (Rows x Cols values in colors over the picture's grid), "rgb" (Rows x Cols pixels
// of three values, 0 to 255) or "bars" (a value for each label).
type Figure struct {
	Kind    string    `json:"kind"`
	Rows    int       `json:"rows,omitempty"`
	Cols    int       `json:"cols,omitempty"`
	Values  []float64 `json:"values"`
	Labels  []string  `json:"labels,omitempty"`
	Caption string    `json:"caption"`
}

// Look is a choice of the studio's attention view.
type Look struct {
	Tower string `json:"tower"` // vision or decoder
	Layer int    `json:"layer"`
	Head  int    `json:"head"`
	Cell  int    `json:"cell"` // the patch, or the picture token, row by row; -1: the token before the answer
}

// Run is the input of a tour. The prompt has one picture.
type Run struct {
	Model         *loupe.Model
	Prompt        *loupe.Prompt
	Width, Height int // of the picture as it was given
	Interventions []loupe.Intervention
}

// walk is a tour under way: the taps of the run, and the patch that it follows, the middle one.
type walk struct {
	Run
	taps     map[string]loupe.Tap
	traced   *loupe.Traced
	grid     vit.Grid
	merge    int
	row, col int       // of the patch
	patch    int       // its number in the order of the model
	token    int       // the position in the prompt of the picture token that it becomes a part of
	block    int       // of the vision tower
	layer    int       // of the decoder
	last     []float32 // logits after the prompt
}

// Walk runs the model once and describes every step. It refuses a prompt without exactly one picture.
func Walk(ctx context.Context, r Run) ([]Step, error) {
	if r.Prompt.Images == nil || len(r.Prompt.Images.Grids) != 1 || r.Prompt.Videos != nil {
		return nil, fmt.Errorf("a tour follows one picture; give a prompt with exactly one")
	}
	w := &walk{Run: r, taps: map[string]loupe.Tap{}, grid: r.Prompt.Images.Grids[0], merge: r.Model.Config.Vision.SpatialMergeSize}
	w.row, w.col = w.grid[1]/2, w.grid[2]/2
	for i, p := range vit.PatchOrder(w.grid, w.merge) {
		if p.Row == w.row && p.Col == w.col {
			w.patch = i
		}
	}
	w.token = r.Prompt.Images.At[w.patch/(w.merge*w.merge)]
	w.block, w.layer = r.Model.Config.Vision.Depth/2, r.Model.Config.Text.NumHiddenLayers/2
	o := loupe.Taps(w.names()...).With(r.Interventions...)
	var err error
	w.traced, err = r.Model.Trace(ctx, r.Prompt, o, func(t loupe.Tap) error {
		w.taps[t.Name] = t
		return nil
	})
	if err != nil {
		return nil, err
	}
	steps := []Step{w.resize(), w.patches(), w.rotary(), w.head(), w.merger(), w.mrope(), w.decoderLayer()}
	logits, err := w.logits(ctx)
	if err != nil {
		return nil, err
	}
	steps = append(steps, logits)
	if w.traced.Score != nil {
		score, err := w.score()
		if err != nil {
			return nil, err
		}
		steps = append(steps, score)
	}
	for i := range steps {
		s := &steps[i]
		l := w.lesson(s.ID)
		s.Why, s.Formula, s.Papers, s.Tensors = l.why, l.formula, l.papers, w.excerpts(s.ID)
	}
	return steps, nil
}

// names are the taps of the whole tour.
func (w *walk) names() []string {
	names := []string{"visual.patch_embed", "visual.blocks.0.attn.qkv", "visual.blocks.0.attn.q", lastBlock(w.Model.Config.Vision.Depth), "visual.merger.ln_q", "visual.merger",
		"model.embed_tokens", "model.layers.0.self_attn.q_proj", "model.layers.0.self_attn.q", "model.norm",
		w.blockTap("attn.scores.0"), w.blockTap("attn.probs.0"), w.blockTap("attn.heads"), w.layerTap("self_attn.probs"), w.layerTap("self_attn.out"), w.layerTap("mlp.out"), w.layerTap("out")}
	if w.Model.Head != nil {
		names = append(names, w.Model.Head.Config.Input.Tap(), "score_head.pooled", "score_head")
	}
	slices.Sort(names) // the head may read one of the others
	return slices.Compact(names)
}

func (w *walk) blockTap(name string) string { return fmt.Sprintf("visual.blocks.%d.%s", w.block, name) }
func (w *walk) layerTap(name string) string { return fmt.Sprintf("model.layers.%d.%s", w.layer, name) }

// at is row i of a tap.
func (w *walk) at(name string, i int) []float32 {
	t := w.taps[name]
	n := t.Shape[len(t.Shape)-1]
	return t.Data[i*n:][:n]
}

// where is the followed patch in words.
func (w *walk) where() string { return place(w.row, w.col) }

func place(row, col int) string { return fmt.Sprintf("row %d, column %d", row+1, col+1) }

// number writes x with four digits that matter.
func number[T float32 | float64](x T) string { return strconv.FormatFloat(float64(x), 'g', 4, 64) }

// few is the first n numbers of x.
func few(x []float32, n int) string {
	var out []string
	for _, v := range x[:min(n, len(x))] {
		out = append(out, number(v))
	}
	if len(x) > n {
		out = append(out, "...")
	}
	return strings.Join(out, ", ")
}

// length is the Euclidean norm.
func length(x []float32) float64 {
	sum := 0.0
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum)
}

func percent[T float32 | float64](x T) string {
	return strconv.FormatFloat(100*float64(x), 'f', 2, 64) + " %"
}

// text is a token as it is read, in quotes.
func (w *walk) text(at int) string {
	return strconv.Quote(w.Model.Tokenizer.DecodeLossy([]int{w.Prompt.IDs[at]}))
}
