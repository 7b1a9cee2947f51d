package lens

import (
	"context"
	"fmt"
	"math"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/num"
	"github.com/loupe-vl/loupe/kernels/tensor"
	loupe "github.com/loupe-vl/loupe/runtime"
)

// Direct is direct logit attribution (Elhage and others, "A Mathematical Framework for Transformer Circuits", 2021): the
// residual stream at a position is the sum of what the input, every head and every MLP wrote to it. With the divisor of the
// final norm held fixed, a logit is linear in that sum. Each part is the dot product of what was written with the token's
// direction: its row of lm_head times the norm's weight over the divisor. The parts and Remainder, added in order, are the
// logit to the bit. Remainder is rounding: of float32, and of the linear maps in a reduced precision.
type Direct struct {
	Position  int          `json:"position"`
	Token     Word         `json:"token"`
	Against   *Word        `json:"against,omitempty"` // the token whose logit was taken off
	Logit     float64      `json:"logit"`             // or the difference of the two
	Divisor   float64      `json:"divisor"`           // of the final norm: sqrt(mean(x²) + eps)
	Parts     []DirectPart `json:"parts"`             // in the order of the computation
	Remainder float64      `json:"remainder"`
}

// DirectPart is what one writer to the residual stream adds to the logit.
type DirectPart struct {
	Kind  string  `json:"kind"` // "input", "head" or "mlp"
	Layer int     `json:"layer"`
	Head  int     `json:"head"` // -1 where it is none
	Value float64 `json:"value"`
}

// Name is the part as a label: "input", "3.2" for head 2 of layer 3, "3.mlp".
func (p DirectPart) Name() string {
	switch p.Kind {
	case "head":
		return fmt.Sprintf("%d.%d", p.Layer, p.Head)
	case "mlp":
		return fmt.Sprintf("%d.mlp", p.Layer)
	}
	return p.Kind
}

// DirectOptions say which logit is divided. The zero value is the logit of the likeliest token after the prompt.
type DirectOptions struct {
	Position *int // of the prompt, below 0 from the end; nil: the last
	Token    *int // nil: the likeliest
	Against  *int // a token whose logit is taken off; nil: none
}

// DirectLogit divides a logit among the parts of the model.
func DirectLogit(ctx context.Context, m *loupe.Model, p *loupe.Prompt, o DirectOptions) (*Direct, error) {
	var positions []int
	if o.Position != nil {
		positions = []int{*o.Position}
	}
	rows, err := chosenRows(p, positions)
	if err != nil {
		return nil, err
	}
	for _, token := range []*int{o.Token, o.Against} {
		if err := checkToken(m, token); err != nil {
			return nil, err
		}
	}
	layers := m.Config.Text.NumHiddenLayers
	kept, err := readResidual(ctx, m, p, []int{Input, layers - 1}, rows)
	if err != nil {
		return nil, err
	}
	wrote, err := readWriters(ctx, m, p, rows[0])
	if err != nil {
		return nil, err
	}
	var logits []float32
	if err := eachLogits(ctx, m, kept[layers-1], func(_ int, x []float32) { logits = append(logits, x...) }); err != nil {
		return nil, err
	}
	token := tokenOr(o.Token, num.ArgMax(logits))
	out := &Direct{Position: rows[0], Token: word(m, token, float64(logits[token])), Logit: float64(logits[token])}
	out.Divisor = divisor(kept[layers-1].Row(0), m.Decoder.Norm.Eps)
	row, err := pullBack(m, m.Decoder.LMHead, oneHot(token, len(logits)))
	if err != nil {
		return nil, err
	}
	if o.Against != nil {
		against := word(m, *o.Against, float64(logits[*o.Against]))
		out.Against = &against
		out.Logit -= against.Value
		back, err := pullBack(m, m.Decoder.LMHead, oneHot(*o.Against, len(logits)))
		if err != nil {
			return nil, err
		}
		for i, v := range back {
			row[i] -= v
		}
	}
	norm, err := kernels.Floats(m.Decoder.Norm.Weight)
	if err != nil {
		return nil, err
	}
	for i := range row {
		row[i] *= norm[i]
	}
	return out, out.divide(m, kept[Input].Row(0), wrote, row)
}

// divide fills in the parts: direction is the token's, before the divisor.
func (d *Direct) divide(m *loupe.Model, input []float32, wrote map[string][]float32, direction []float32) error {
	d.Parts = []DirectPart{{Kind: "input", Layer: Input, Head: -1, Value: dot(input, direction) / d.Divisor}}
	for i, layer := range m.Decoder.Layers {
		back, err := pullBack(m, layer.O, direction) // the direction among the inputs of o_proj, of which each head has its part
		if err != nil {
			return err
		}
		heads, size := wrote[headsName(i)], len(back)/layer.Heads
		for h := range layer.Heads {
			v := dot(heads[h*size:(h+1)*size], back[h*size:(h+1)*size]) / d.Divisor
			d.Parts = append(d.Parts, DirectPart{Kind: "head", Layer: i, Head: h, Value: v})
		}
		d.Parts = append(d.Parts, DirectPart{Kind: "mlp", Layer: i, Head: -1, Value: dot(wrote[mlpName(i)], direction) / d.Divisor})
	}
	sum := 0.0
	for _, p := range d.Parts {
		sum += p.Value
	}
	d.Remainder = d.Logit - sum
	for range 4 { // until the sum is the logit to the bit
		miss := d.Logit - (sum + d.Remainder)
		if miss == 0 {
			break
		}
		d.Remainder += miss
	}
	return nil
}

func headsName(layer int) string { return fmt.Sprintf("model.layers.%d.self_attn.heads", layer) }
func mlpName(layer int) string   { return fmt.Sprintf("model.layers.%d.mlp.out", layer) }

// readWriters is one row of the outputs of the heads and of the MLP of each layer.
func readWriters(ctx context.Context, m *loupe.Model, p *loupe.Prompt, row int) (map[string][]float32, error) {
	var names []string
	for l := range m.Config.Text.NumHiddenLayers {
		names = append(names, headsName(l), mlpName(l))
	}
	out := map[string][]float32{}
	_, err := m.Trace(ctx, p, loupe.TraceOptions{Taps: names}, func(t loupe.Tap) error {
		cols := t.Shape[1]
		out[t.Name] = append([]float32(nil), t.Data[row*cols:(row+1)*cols]...)
		return nil
	})
	return out, err
}

// pullBack is v W, (in), for a direction v, (out), of a linear map's outputs: the same direction in its inputs. W includes
// the low-rank branch and DoRA's magnitudes.
func pullBack(m *loupe.Model, l *tensor.Linear, v []float32) ([]float32, error) {
	if l.LoRA != nil && l.LoRA.DoRA != nil {
		gained := make([]float32, len(v))
		gain, err := kernels.Floats(l.LoRA.DoRA.Gain())
		if err != nil {
			return nil, err
		}
		for i, g := range gain {
			gained[i] = v[i] * g
		}
		v = gained
	}
	r := m.NewRunAt(context.Background(), l.Name, nil)
	times := func(v []float32, w kernels.Placed) []float32 {
		return r.Download(r.MatMul(tensor.Of(1, len(v), v), w, kernels.Plain)).Floats()
	}
	out := times(v, l.W)
	if l.LoRA != nil {
		for i, x := range times(times(v, l.LoRA.B), l.LoRA.A) {
			out[i] += float32(l.LoRA.Scale * x)
		}
	}
	return out, r.Synchronize()
}

// oneHot is 1 at a place of n.
func oneHot(at, n int) []float32 {
	out := make([]float32, n)
	out[at] = 1
	return out
}

// dot is a·b in float64, in order.
func dot(a, b []float32) float64 {
	sum := 0.0
	for i, v := range a {
		sum += float64(float64(v) * float64(b[i]))
	}
	return sum
}

// divisor is that of an RMS norm: sqrt(mean(x²) + eps).
func divisor(x []float32, eps float32) float64 {
	return math.Sqrt(dot(x, x)/float64(len(x)) + float64(eps))
}
