package decoder

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/tensor"
)

// script is what one sequence reads, and when.
type script struct {
	ids    []int
	pos    Positions
	vision []Vision
	prompt int // tokens that it reads at once, or in two chunks; the others come one at a time
	chunk  int // tokens of the first chunk
	joins  int // at this step of the batch
	cancel int // it is taken out after so many tokens, though there are more
	prefix int // so many of its tokens are those of the script before it, of whose cache it may be a fork

	want []([]float32) // the logits after each token, alone
	err  error         // how it ends, alone; nil for well
}

// scripts are n sequences of different lengths, some with a picture, that join and leave at different times.
func scripts(n int, seed uint64) []*script {
	rng := rand.New(rand.NewPCG(seed, uint64(n)))
	var out []*script
	for i := range n {
		s := &script{prompt: 1 + rng.IntN(24), joins: rng.IntN(1 + n/8)}
		picture := Placeholder{Start: 2, Grid: [3]int{1, 4, 4}}
		var placed []Placeholder
		if s.prompt > 8 && i%2 == 0 {
			placed = append(placed, picture)
			s.vision = []Vision{{At: []int{2, 3, 4, 5}, Rows: tensor.Of(4, testConfig.HiddenSize, floats(rng, 4*testConfig.HiddenSize))}}
		}
		if rng.IntN(5) == 0 {
			s.prompt += 40 // more rows than a panel has
		}
		if s.chunk = s.prompt; rng.IntN(2) == 0 {
			s.chunk = 1 + rng.IntN(s.prompt)
		}
		total := s.prompt + 4 + rng.IntN(12)
		for range total {
			id := rng.IntN(testConfig.VocabSize)
			if id == badToken {
				id++
			}
			s.ids = append(s.ids, id)
		}
		s.cancel = total
		switch i % 8 {
		case 3:
			s.cancel = s.prompt + rng.IntN(3)
		case 5:
			s.ids[s.prompt+rng.IntN(3)] = badToken
		}
		if i > 0 && i%3 == 2 {
			before := out[i-1]
			s.prefix = min(before.prompt, s.prompt)
			copy(s.ids, before.ids[:s.prefix])
			placed, s.vision = nil, before.vision
			if s.joins = before.joins + 2; s.vision != nil && s.prefix >= 6 {
				placed = []Placeholder{picture}
			} else {
				s.vision, s.prefix = nil, min(s.prefix, 2)
			}
		}
		var err error
		if s.pos, _, err = RopeIndex(total, placed, 2); err != nil {
			panic(err)
		}
		out = append(out, s)
	}
	return out
}

func floats(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return x
}

// alone runs a script by itself: its prompt at once, then token by token.
func (s *script) alone(m *Model, dev kernels.Device) {
	c := m.NewCache()
	defer c.Release()
	for at := 0; at < len(s.ids); at = c.Len() {
		end := max(at+1, s.prompt)
		r := tensor.NewRun(context.Background(), dev, new(tensor.Arena), nil)
		r.FirstRow = at
		h := m.Forward(r, m.EmbedTokens(r, s.ids[at:end], s.vision), s.pos.Slice(at, end), c)
		logits := r.Host(m.Logits(r, h))
		if s.err = r.Err(); s.err != nil {
			return
		}
		for i := range logits.Rows {
			s.want = append(s.want, slices.Clone(logits.Row(i)))
		}
	}
}

// member is a script that takes part in the batch.
type member struct {
	*script
	cache *Cache
	read  int
}

// runner runs scripts together.
type runner struct {
	m     *Model
	dev   kernels.Device
	fault func(step int, live []*member) // what a test breaks before a step; nil for nothing
	forks int                            // sequences that began with pages of another
	most  int                            // sequences in a step
}

// run steps all scripts together and is an error at the first of them that differs in a bit, or in how it ends, from what it
// does alone.
func (b *runner) run(all []*script) error {
	spoilFreePages(b.m.Pages)
	batch, arena := new(Batch), new(tensor.Arena)
	var live []*member
	members := map[*script]*member{}
	begun := 0
	for step := 0; begun < len(all) || len(live) > 0; step++ {
		for i, s := range all {
			if s.joins != step {
				continue
			}
			begun++
			x := &member{script: s}
			if s.prefix > 0 && members[all[i-1]] != nil && members[all[i-1]].cache.Len() >= s.prefix {
				var err error
				if x.cache, err = members[all[i-1]].cache.Fork(s.prefix); err != nil {
					return err
				}
				x.read = s.prefix
				if s.prefix == s.prompt { // something must be read, for logits
					x.read--
					whole := x.cache
					if x.cache, err = whole.Fork(x.read); err != nil {
						return err
					}
					whole.Release()
				}
				b.forks++
			} else {
				x.cache = b.m.NewCache()
			}
			members[s], live = x, append(live, x)
		}
		if b.fault != nil {
			b.fault(step, live)
		}
		if len(live) == 0 {
			continue
		}
		b.most = max(b.most, len(live))
		batch.Reset()
		for _, x := range live {
			end := x.next()
			if err := batch.Add(x.cache, x.ids[x.read:end], x.pos.Slice(x.read, end), x.vision); err != nil {
				return err
			}
		}
		arena.Reset()
		r := tensor.NewRun(context.Background(), b.dev, arena, nil)
		logits := r.Host(b.m.ForwardBatch(r, batch))
		if r.Err() != nil {
			return r.Err()
		}
		var stay []*member
		for i, x := range live {
			x.read = x.next()
			done, err := x.check(batch.Err(i), logits.Row(i))
			if err != nil {
				return fmt.Errorf("step %d, %d sequences, number %d: %w", step, len(live), slices.Index(all, x.script), err)
			}
			if !done {
				stay = append(stay, x)
				continue
			}
			x.cache.Release()
			delete(members, x.script)
		}
		live = stay
	}
	if s := b.m.Pages.Stats(); s.InUse != 0 || s.Shared != 0 {
		return fmt.Errorf("%d pages are in use after all sequences have left, %d of them shared", s.InUse, s.Shared)
	}
	return nil
}

// next is the end of what the member reads next.
func (x *member) next() int {
	switch {
	case x.read < x.chunk:
		return x.chunk
	case x.read < x.prompt:
		return x.prompt
	}
	return x.read + 1
}

// check holds a step's result to what the script gives alone, and says whether the sequence is over.
func (x *member) check(failed error, logits []float32) (done bool, err error) {
	at := x.read - 1
	if failed != nil || at >= len(x.want) {
		var got, want *tensor.NonFiniteError
		if !errors.As(failed, &got) || !errors.As(x.err, &want) || got.Error() != want.Error() {
			return true, fmt.Errorf("token %d ends with %v, alone with %v", at, failed, x.err)
		}
		return true, nil
	}
	for i, v := range logits {
		if math.Float32bits(v) != math.Float32bits(x.want[at][i]) {
			return true, fmt.Errorf("after token %d logit %d is %v, alone %v", at, i, v, x.want[at][i])
		}
	}
	return x.read >= x.cancel || x.read == len(x.ids), nil
}

// spoilFreePages makes whoever still reads a page that came back fail.
func spoilFreePages(p *PagePool) {
	p.onFree = func(pg *page) {
		for i, data := range pg.data {
			if err := p.devices[i].Upload(data.Row(), slices.Repeat([]float32{float32(math.NaN())}, data.Len())); err != nil {
				panic(err)
			}
		}
	}
}
