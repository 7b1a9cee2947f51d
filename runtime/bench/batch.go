package bench

import (
	"context"
	"time"

	loupe "github.com/loupe-vl/loupe/runtime"
)

// decodeTogether generates n answers side by side, a token of each at a step. What chooses the tokens, on the host, is not timed.
func decodeTogether(ctx context.Context, m *loupe.Model, o Options, n int) (measured, error) {
	r := measured{tokens: n * decodeSteps}
	var sequences []*loupe.Sequence
	done := func() {
		for _, s := range sequences {
			s.Close()
		}
		sequences = nil
	}
	defer func() { done() }()
	past := 0
	_, err := best(o.Each, func() (time.Duration, error) {
		if sequences == nil || past+decodeSteps > m.Config.Text.MaxPositionEmbeddings {
			done()
			for range n {
				a, _, err := readAs(ctx, m, warmTokens, loupe.Generation{IgnoreEOS: true})
				if err != nil {
					return 0, err
				}
				sequences = append(sequences, a.Sequence)
			}
			past = warmTokens
		}
		var cost Cost
		var t time.Duration
		for range decodeSteps {
			for _, s := range sequences {
				if _, err := s.Next(); err != nil {
					return 0, err
				}
			}
			start := time.Now()
			if err := m.Step(ctx, sequences); err != nil {
				return 0, err
			}
			t += time.Since(start)
			for _, s := range sequences {
				if err := s.Err(); err != nil {
					return 0, err
				}
			}
			one := Text(m.Config.Text, m.Stored().WeightBytes("model."), past, 1)
			cost = cost.plus(one.together(m, past, n))
			past++
		}
		if r.time == 0 || t < r.time {
			r.time, r.cost = t, cost
		}
		return t, nil
	})
	return r, err
}

// together is the cost of n tokens of sequences of their own where c is that of one, after past others: weights are read once.
func (c Cost) together(m *loupe.Model, past, n int) Cost {
	without := Text(m.Config.Text, 0, past, 1) // keys and values
	return Cost{FLOP: c.FLOP * float64(n), Bytes: c.Bytes + without.Bytes*float64(n-1)}
}
