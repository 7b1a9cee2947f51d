package train

import (
	"context"
	"math"
	"slices"

	"github.com/loupe-vl/loupe/kernels/num"
	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/vit"
)

// ranking is the pairwise loss of some records, and its gradient with respect to the outputs of each.
type ranking struct {
	loss   float64
	beyond float64     // what outputs beyond their range cost
	grads  [][]float32 // of each record, by target
	pairs  bool        // whether there is any: else nothing depends on the outputs
}

// bounds are the outputs that stand for the least and the greatest value of each target.
type bounds struct{ low, high []float32 }

func boundsOf(h *vit.Head) (b bounds) {
	for _, t := range h.Config.Targets {
		b.low, b.high = append(b.low, float32((t.Min-t.Mean)/t.Std)), append(b.high, float32((t.Max-t.Mean)/t.Std))
	}
	return b
}

// beyond is how far an output of a target lies outside of the bounds: 0 within, negative below.
func (b bounds) beyond(t int, z float32) float32 { return max(z-b.high[t], 0) + min(z-b.low[t], 0) }

// pairwise is RankNet's loss (Burges et al., Learning to Rank using Gradient Descent): log(1 + exp(z_j - z_i)) for a pair
// of records of which i should rank above j, as a mean over pairs and then over the targets that have a pair. Alone it
// would push outputs apart without end. So a second term is added: for each target, the mean over the records that have it
// of the squared distance by which their outputs leave the bounds. wanted and present are as in loupe.Example.
func pairwise(outputs, wanted [][]float32, present [][]bool, within bounds) *ranking {
	r := &ranking{}
	targets, ranked := 0, 0
	for i := range outputs {
		targets = max(targets, len(outputs[i]))
		r.grads = append(r.grads, make([]float32, len(outputs[i])))
	}
	for t := range targets {
		loss, grads, pairs := pairsOf(t, outputs, wanted, present)
		if pairs == 0 {
			continue
		}
		ranked++
		r.loss += loss
		records := 0
		for i := range present {
			if has(present[i], t) {
				records++
			}
		}
		for i, g := range grads {
			if has(present[i], t) {
				d := within.beyond(t, outputs[i][t])
				r.beyond += float64(d) * float64(d) / float64(records)
				g += float32(2 * d / float32(records))
			}
			if t < len(r.grads[i]) {
				r.grads[i][t] = g
			}
		}
	}
	r.pairs = ranked > 0
	if ranked == 0 {
		return r
	}
	r.loss /= float64(ranked)
	r.beyond /= float64(ranked)
	for i := range r.grads {
		for t := range r.grads[i] {
			r.grads[i][t] /= float32(ranked)
		}
	}
	return r
}

// has reports whether a record has a target: one of text alone has none.
func has(present []bool, t int) bool { return t < len(present) && present[t] }

// pairsOf is the mean loss over the pairs of a target, its gradient with respect to each record's output, and the number of
// pairs.
func pairsOf(t int, outputs, wanted [][]float32, present [][]bool) (loss float64, grads []float32, pairs int) {
	grads = make([]float32, len(outputs))
	for i := range outputs {
		for j := range outputs {
			if !has(present[i], t) || !has(present[j], t) || !(wanted[i][t] > wanted[j][t]) {
				continue
			}
			pairs++
			behind := outputs[j][t] - outputs[i][t]
			loss += softplus(float64(behind))
			g := num.Sigmoid(behind)
			grads[i] -= g
			grads[j] += g
		}
	}
	if pairs == 0 {
		return 0, grads, 0
	}
	for i := range grads {
		grads[i] /= float32(pairs)
	}
	return loss / float64(pairs), grads, pairs
}

// softplus is log(1 + exp(x)) without overflow.
func softplus(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

// rankingOf is pairwise over examples.
func rankingOf(h *vit.Head, outputs [][]float32, examples []loupe.Example) *ranking {
	var wanted [][]float32
	var present [][]bool
	for _, l := range examples {
		wanted, present = append(wanted, l.Targets), append(present, l.Present)
	}
	return pairwise(outputs, wanted, present, boundsOf(h))
}

// rank runs the score head over the records of a step, with the dropout that they will have, before the gradients are
// computed: the loss of each record depends on all of them.
func (r *run) rank(ctx context.Context, records []*Record, before int) (*ranking, error) {
	var outputs [][]float32
	var examples []loupe.Example
	for i, record := range records {
		l := loupe.Example{}
		l.Targets, l.Present = record.wanted(r.m.Head)
		if !slices.Contains(l.Present, true) {
			outputs, examples = append(outputs, nil), append(examples, loupe.Example{})
			continue
		}
		var err error
		if l.Prompt, err = record.Question(ctx, r.m); err != nil {
			return nil, err
		}
		got, err := r.m.Learner().Losses(ctx, l, r.learnOptions(before+i, len(records)))
		if err != nil {
			return nil, recordError(record, err)
		}
		outputs, examples = append(outputs, got.Outputs), append(examples, l)
	}
	return rankingOf(r.m.Head, outputs, examples), nil
}

// withinRange rescales a head that learned a ranking, so that its scores of the training pictures lie within each target's
// range. The order is all that such scores say, and clamping would lose it. outputs are those of the training pictures.
func withinRange(h *vit.Head, outputs [][]float32, present [][]bool) {
	for t := range h.Config.Targets {
		c := &h.Config.Targets[t]
		low, high := math.Inf(1), math.Inf(-1)
		for i := range outputs {
			if has(present[i], t) && t < len(outputs[i]) {
				raw, _ := h.Value(t, outputs[i][t])
				low, high = min(low, raw), max(high, raw)
			}
		}
		if low > high || low >= c.Min && high <= c.Max {
			continue
		}
		by := min(1, (c.Max-c.Min)/(high-low)) // a range that is too wide shrinks
		to := max(c.Min, min(low, c.Max-float64(by*(high-low))))
		c.Std, c.Mean = float64(c.Std*by), to+float64((c.Mean-low)*by)
	}
}

// keepRange is withinRange of the run's head, in one more pass over the pictures that it learned from.
func (r *run) keepRange(ctx context.Context) error {
	if r.o.ScoreLoss != PairwiseLoss || r.m.Head == nil {
		return nil
	}
	records, pictures := r.scored(r.train, r.trainPictures)
	if len(records) == 0 {
		return nil
	}
	s, err := r.extractFeatures(ctx, records, pictures, 0, len(records))
	if err != nil {
		return err
	}
	return r.keepRangeOf(ctx, s)
}

// keepRangeOf is keepRange where the features are known.
func (r *run) keepRangeOf(ctx context.Context, s *pictureFeatures) error {
	if r.o.ScoreLoss != PairwiseLoss {
		return nil
	}
	outputs, err := r.m.Learner().Through(ctx, s.features, len(r.m.Head.Layers))
	if err != nil {
		return err
	}
	var present [][]bool
	for i := range s.records {
		_, p := s.records[i].values(r.m.Head)
		present = append(present, p)
	}
	withinRange(r.m.Head, outputs, present)
	return nil
}
