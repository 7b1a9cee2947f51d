package tour

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/loupe-vl/loupe/kernels/tensor"
	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/trace/attribution"
	"github.com/loupe-vl/loupe/weights"
)

func (w *walk) mrope() Step {
	p := w.Prompt
	at := p.Images.At
	first, last := at[0], at[len(at)-1]
	three := func(i int) string {
		return fmt.Sprintf("time %d, height %d, width %d", p.Positions[0][i], p.Positions[1][i], p.Positions[2][i])
	}
	facts := []Fact{
		{"tokens", fmt.Sprintf("%d: %d of text, %d of the picture", len(p.IDs), len(p.IDs)-len(at), len(at))},
		{fmt.Sprintf("token %d, %s", first-1, w.text(first-1)), three(first - 1)},
		{"the picture's first token", three(first)},
		{fmt.Sprintf("token %d, the followed one", w.token), three(w.token)},
		{"the picture's last token", three(last)},
		{fmt.Sprintf("token %d, %s", last+1, w.text(last+1)), three(last + 1)},
		{"the first token of the answer", fmt.Sprintf("%d in all three, though it is token %d", len(p.IDs)+p.RopeDelta, len(p.IDs))},
	}
	return Step{
		ID: "mrope", Title: "M-RoPE", Taps: "model.layers.0.self_attn.q*", Source: "decoder/positions.go RopeIndex, decoder/positions.go Model.rotary", Facts: facts,
		Text: fmt.Sprintf("The picture tokens take their place among those of the text. In the language model each token has three positions: time, height and width. A token of text has the same number in all three, and counts on. The tokens of a picture share their time and take height and width from the grid; the text after it goes on from the largest number used. The pairs of each query and key are divided among the three as %v.", w.Model.Config.Text.MropeSection),
	}
}

func (w *walk) decoderLayer() Step {
	n := len(w.Prompt.IDs)
	heads := w.Model.Config.Text.NumAttentionHeads
	probs := w.taps[w.layerTap("self_attn.probs")]
	mean := make([]float64, n)
	for h := range heads {
		for i, p := range probs.Data[(h*n+n-1)*n:][:n] {
			mean[i] += float64(p) / float64(heads)
		}
	}
	at := w.Prompt.Images.At
	figure := &Figure{Kind: "grid", Rows: w.grid[1] / w.merge, Cols: w.grid[2] / w.merge, Values: mean[at[0]:][:len(at)], Caption: "where the last token looks on the picture: mean of heads"}
	share := 0.0
	for _, i := range at {
		share += mean[i]
	}
	attn, mlp, out := w.at(w.layerTap("self_attn.out"), n-1), w.at(w.layerTap("mlp.out"), n-1), w.at(w.layerTap("out"), n-1)
	before := make([]float32, len(out))
	for i := range out {
		before[i] = out[i] - attn[i] - mlp[i]
	}
	best := 0
	for i := range n {
		if mean[i] > mean[best] {
			best = i
		}
	}
	name := w.text(best)
	if best >= at[0] && best <= at[len(at)-1] {
		name = fmt.Sprintf("picture token %d", best-at[0])
	}
	return Step{
		ID: "layer", Title: "A decoder layer", Source: "decoder/layer.go Layer.Forward, kernels/tensor/activation.go Run.SwiGLU", Taps: w.layerTap("*"), Figure: figure, Look: &Look{Tower: "decoder", Layer: w.layer, Head: -1, Cell: -1},
		Text: fmt.Sprintf("A layer of the language model only adds to the residual stream. First attention: each token looks back at what came before it, through %d heads, of which groups share their keys and values (%d of these). Then a gated perceptron, in which tokens do not see each other. Both read the stream through an RMS norm. Here is what layer %d adds for the last token of the prompt, which has to guess the first token of the answer.", heads, w.Model.Config.Text.NumKeyValueHeads, w.layer),
		Facts: []Fact{
			{"the stream's length before", number(length(before))},
			{"attention adds", number(length(attn))},
			{"the perceptron adds", number(length(mlp))},
			{"the stream's length after", number(length(out))},
			{"attention on the picture", percent(share)},
			{"it looks most at", fmt.Sprintf("token %d, %s: %s", best, name, percent(mean[best]))},
		},
	}
}

func (w *walk) logits(ctx context.Context) (Step, error) {
	h := w.at("model.norm", len(w.Prompt.IDs)-1)
	r := w.Model.NewRun(ctx, nil)
	row := r.Download(w.Model.Decoder.Logits(r, r.Upload(tensor.Of(1, len(h), h)))).Row(0)
	if err := r.Synchronize(); err != nil {
		return Step{}, err
	}
	w.last = row
	ids := make([]int, len(row))
	largest, sum, entropy := math.Inf(-1), 0.0, 0.0
	for i, v := range row {
		ids[i] = i
		largest = max(largest, float64(v))
	}
	for _, v := range row {
		sum += math.Exp(float64(v) - largest)
	}
	prob := func(id int) float64 { return math.Exp(float64(row[id])-largest) / sum }
	for i := range row {
		if p := prob(i); p > 0 {
			entropy -= p * math.Log(p)
		}
	}
	slices.SortFunc(ids, func(a, b int) int { return cmp.Or(cmp.Compare(row[b], row[a]), a-b) })
	figure := &Figure{Kind: "bars", Caption: "probability of the likeliest first tokens"}
	var facts []Fact
	for _, id := range ids[:min(6, len(ids))] {
		word := strconv.Quote(w.Model.Tokenizer.DecodeLossy([]int{id}))
		figure.Labels, figure.Values = append(figure.Labels, word), append(figure.Values, prob(id))
		facts = append(facts, Fact{fmt.Sprintf("%s, token %d", word, id), fmt.Sprintf("logit %s, probability %s", number(row[id]), percent(prob(id)))})
	}
	facts = append(facts, Fact{"entropy", fmt.Sprintf("%s nats of at most %s", number(entropy), number(math.Log(float64(len(row)))))})
	return Step{
		ID: "logits", Title: "Logits", Source: "decoder/model.go Model.Logits, decoder/sampler.go Sampler.Next", Taps: "lm_head", Figure: figure, Facts: facts,
		Text: fmt.Sprintf("After the last layer the stream of the last token is normed once more and multiplied with one row for each of the %d tokens of the vocabulary, which are words, parts of words and marks. The products are logits; softmax makes probabilities of them. Greedy decoding takes the largest, appends it, and asks again.", len(row)),
	}, nil
}

func (w *walk) score() (Step, error) {
	head := w.Model.Head.Config
	t := w.traced.Score.Targets[0]
	facts := []Fact{
		{"it reads", head.Input.Tap() + ", " + map[bool]string{true: "the last row", false: "the mean of all rows"}[head.Pool == weights.PoolLast]},
		{"what the head gives", number(t.Output)},
		{"in points", fmt.Sprintf("%s x %s + %s = %s", number(t.Output), number(head.Targets[0].Std), number(head.Targets[0].Mean), number(t.Value))},
	}
	step := Step{
		ID: "score", Title: "The score", Source: "vit/head.go Head.Forward, runtime/trace/attribution/contribution.go Divide", Taps: "score_head*",
		Text: "The score does not come from words. A head of its own reads the picture tokens, pools them to one row and maps it to a number for each target.",
	}
	if len(head.Hidden) == 0 {
		m, err := attribution.Divide(w.Model, w.Prompt, w.traced.Score, []loupe.Tap{w.taps[head.Input.Tap()]}, loupe.GradTarget{Score: true, Name: t.Name})
		if err != nil {
			return step, err
		}
		panel := m.Panels[0]
		up, down := 0.0, 0.0
		for _, v := range panel.Values {
			up, down = up+max(v, 0), down+min(v, 0)
		}
		step.Text += " This one is linear, so that the score is a plain sum: what the head says of no picture at all, and a share from each part of this one."
		step.Figure = &Figure{Kind: "grid", Rows: panel.Rows, Cols: panel.Cols, Values: panel.Values, Caption: "points that each part of the picture adds"}
		facts = append(facts,
			Fact{"without a picture", number(m.Sum.Base)},
			Fact{"parts that raise it", "+" + number(up)},
			Fact{"parts that lower it", number(down)},
			Fact{"the followed part", number(panel.Values[w.row/m.Merge*panel.Cols+w.col/m.Merge])},
			Fact{"together", number(t.Value)})
	}
	step.Facts = append(facts, Fact{"clamped to its range", fmt.Sprintf("%s, in %s to %s", number(t.Clamped), number(head.Targets[0].Min), number(head.Targets[0].Max))})
	return step, nil
}
