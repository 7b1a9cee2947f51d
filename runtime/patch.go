package loupe

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/loupe-vl/loupe/decoder"
	"github.com/loupe-vl/loupe/kernels/tensor"
	"github.com/loupe-vl/loupe/weights"
	"github.com/loupe-vl/loupe/weights/option"
)

// PatchOptions say which sites of the decoder to patch, one at a time, and what to hold against each other.
type PatchOptions struct {
	// Heads sweeps over layers and heads, each head at all positions at once; else over layers and positions.
	Heads bool
	// Site is what is patched at a position: "out" (the residual stream after a layer, and the default), "self_attn.out" or
	// "mlp.out". A sweep over heads patches self_attn.heads.
	Site      string
	Layers    []int // nil: all
	Positions []int // of a sweep over positions, negative from the end; nil: all
	// Answers are the tokens whose logits are held against each other, the clean run's first; nil: the likeliest of each run.
	Answers *[2]int
	// Progress is told how many of how many sites are done; nil: nobody.
	Progress func(done, of int)
	// Logits is given the logits, (vocab_size), after the prompt for each site; nil: nobody. The data are lent.
	Logits func(layer, column int, logits []float32)
}

// Patching is what restored an answer: for each site, a layer and a column (a position or a head), what patching the clean
// run's activation into the corrupted run does to the difference of the two answers' logits.
type Patching struct {
	Tap     string // what was patched, with * for the layer
	Layers  []int  // of the rows below
	Columns []int  // positions of the clean prompt, or heads
	// Unmatched is how many positions of the clean prompt have no counterpart in the corrupted one, and are not patched.
	Unmatched int

	Clean     PatchedRun
	Corrupted PatchedRun
	// Difference holds logit(clean answer) - logit(corrupted answer) of each patched run, (layers, columns).
	Difference [][]float64
	// Restored is (Difference - Corrupted.Difference) / (Clean.Difference - Corrupted.Difference): 0 where the patch does
	// nothing, 1 where it gives the clean run's difference. It is not bounded by either.
	Restored [][]float64
}

// PatchedRun is one of the two runs as it is.
type PatchedRun struct {
	Answer     int     // the token that stands for it
	Difference float64 // logit(clean answer) - logit(corrupted answer)
}

// Patch finds where an answer is decided (activation patching, also called causal tracing: Meng et al., arXiv 2202.05262;
// the metric and its names are those of Zhang and Nanda, arXiv 2309.16042): it runs the corrupted prompt once for each site,
// with the activation of the clean prompt in that place, and tells how much of the clean answer comes back.
//
// Prompts of as many tokens, each at the same position, are patched token by token. Of others, whose pictures have other
// sizes or whose texts have other lengths, those text tokens are that both have at the beginning and at the end. What a patch cannot reach is not computed again:
// neither the positions before it, whose keys and values come from the corrupted run, nor the layers below it; and sites of
// one layer run together. The logits are those of a whole run with the same intervention, bit for bit.
func (m *Model) Patch(ctx context.Context, clean, corrupted *Prompt, o PatchOptions) (out *Patching, err error) {
	defer weights.CatchFaults(&err)()
	s, err := m.newSweep(ctx, clean, corrupted, o)
	if err != nil {
		return nil, err
	}
	defer s.cache.Release()
	of := len(s.out.Layers) * len(s.out.Columns)
	for i, layer := range s.out.Layers {
		done := i * len(s.out.Columns)
		err := s.layer(ctx, layer, func(column int, logits []float32) {
			s.out.Difference[i][column] = s.difference(logits)
			if o.Logits != nil {
				o.Logits(layer, s.out.Columns[column], logits)
			}
			if done++; o.Progress != nil {
				o.Progress(done, of)
			}
		})
		if err != nil {
			return nil, err
		}
	}
	s.normalize()
	return s.out, m.unchanged()
}

// sweep is the state of one Patch.
type sweep struct {
	m         *Model
	o         PatchOptions
	corrupted *Prompt
	out       *Patching
	match     []int                 // for each position of the clean prompt that of the corrupted one, -1 for none
	same      int                   // positions at the beginning that the two prompts share
	source    map[int]tensor.Tensor // by layer: the clean run's activation, (tokens, width)
	before    []tensor.Tensor       // the corrupted run's residual stream before each layer, and after the last
	cache     *decoder.Cache        // its keys and values
	logits    []float32
}

func (m *Model) newSweep(ctx context.Context, clean, corrupted *Prompt, o PatchOptions) (*sweep, error) {
	s := &sweep{m: m, o: o, corrupted: corrupted, out: &Patching{}, source: map[int]tensor.Tensor{}}
	if err := s.choose(clean); err != nil {
		return nil, err
	}
	var taps []string
	for _, layer := range s.out.Layers {
		taps = append(taps, s.tap(layer))
	}
	hooks := newHooks(taps, func(t Tap) {
		for _, layer := range s.out.Layers {
			if t.Name == s.tap(layer) {
				s.source[layer] = tensor.Of(t.Shape[0], t.Shape[1], t.Data)
			}
		}
	}, nil)
	a, err := m.answer(ctx, clean, Generation{}, hooks, false)
	if err != nil {
		return nil, fmt.Errorf("the clean run: %w", err)
	}
	defer a.Close()
	first := a.s.embedded(ctx)
	if err := s.runCorrupted(ctx, first); err != nil {
		return nil, fmt.Errorf("the corrupted run: %w", err)
	}
	return s, s.compare(a.logits)
}

// choose reads the options: what is patched, and where.
func (s *sweep) choose(clean *Prompt) error {
	n, text := len(clean.IDs), s.m.Config.Text
	s.match = matched(clean, s.corrupted)
	var all []int
	for at, other := range s.match {
		if other >= 0 {
			all = append(all, at)
		}
	}
	if s.out.Unmatched = n - len(all); len(all) == 0 {
		return fmt.Errorf("the two prompts have no token in common at their beginnings or ends; use pictures of one size (or one Options.MaxPixels for both) and texts of as many tokens")
	}
	var err error
	if s.out.Layers, err = chosen("layer", s.o.Layers, text.NumHiddenLayers); err != nil {
		return err
	}
	switch site := s.o.Site; {
	case s.o.Heads && (site != "" && site != "self_attn.heads" || s.o.Positions != nil):
		return fmt.Errorf("a sweep over heads patches self_attn.heads at all positions; leave the site and the positions away")
	case s.o.Heads:
		s.o.Site = "self_attn.heads"
		s.out.Columns, err = chosen("head", nil, text.NumAttentionHeads)
	case site == "":
		s.o.Site = "out"
		fallthrough
	case site == "out", site == "self_attn.out", site == "mlp.out":
		if s.o.Positions == nil {
			s.o.Positions = all
		}
		s.out.Columns, err = chosen("position", s.o.Positions, n)
		for _, at := range s.out.Columns {
			if s.match[at] < 0 {
				return fmt.Errorf("position %d has no counterpart in the other prompt: they have %d and %d tokens, or pictures of other sizes; leave it out", at, n, len(s.corrupted.IDs))
			}
		}
	default:
		return fmt.Errorf("site %q cannot be patched by position; out, self_attn.out and mlp.out can", site)
	}
	s.out.Tap = "model.layers.*." + s.o.Site
	for range s.out.Layers {
		s.out.Difference = append(s.out.Difference, make([]float64, len(s.out.Columns)))
		s.out.Restored = append(s.out.Restored, make([]float64, len(s.out.Columns)))
	}
	return err
}

// matched gives for each position of a the one of b that corresponds to it, -1 for none.
func matched(a, b *Prompt) []int {
	out := make([]int, len(a.IDs))
	same := len(a.IDs) == len(b.IDs)
	for axis := range a.Positions {
		same = same && slices.Equal(a.Positions[axis], b.Positions[axis])
	}
	for i := range out {
		out[i] = -1
		if same {
			out[i] = i
		}
	}
	if same {
		return out
	}
	inPicture := func(p *Prompt, at int) bool {
		return p.Images != nil && slices.Contains(p.Images.At, at) || p.Videos != nil && slices.Contains(p.Videos.At, at)
	}
	fits := func(i, j int) bool { return a.IDs[i] == b.IDs[j] && !inPicture(a, i) && !inPicture(b, j) }
	least := min(len(a.IDs), len(b.IDs))
	begin, end := 0, 0
	for begin < least && fits(begin, begin) {
		out[begin] = begin
		begin++
	}
	for end < least-begin && fits(len(a.IDs)-1-end, len(b.IDs)-1-end) {
		end++
		out[len(a.IDs)-end] = len(b.IDs) - end
	}
	return out
}

// chosen are the numbers of what, below n, that are named: all of them for nil.
func chosen(what string, named []int, n int) ([]int, error) {
	var out []int
	for _, i := range named {
		if i < -n || i >= n {
			return nil, fmt.Errorf("there is no %s %d: there are %d", what, i, n)
		}
		if slices.Contains(out, (i+n)%n) {
			return nil, fmt.Errorf("%s %d is named twice; name it once", what, (i+n)%n)
		}
		out = append(out, (i+n)%n)
	}
	if named == nil {
		for i := range n {
			out = append(out, i)
		}
	}
	return out, nil
}

// tap is the name of what is patched in a layer.
func (s *sweep) tap(layer int) string { return "model.layers." + strconv.Itoa(layer) + "." + s.o.Site }

// embedded is the residual stream before the first layer.
func (s *state) embedded(ctx context.Context) tensor.Tensor {
	r, done := s.m.run(ctx, nil)
	defer done()
	return r.Download(s.m.Decoder.EmbedTokens(r, s.p.IDs, s.vision()))
}

// runCorrupted runs the corrupted prompt, keeps what branches begin from, and counts the positions whose input is that of the
// clean run, clean: nothing there can differ.
func (s *sweep) runCorrupted(ctx context.Context, clean tensor.Tensor) error {
	f, err := s.m.encode(ctx, s.corrupted, nil, nil)
	if err != nil {
		return err
	}
	st := s.m.newState(s.corrupted, f, nil)
	x := st.embedded(ctx)
	for s.same < min(x.Rows, clean.Rows) && s.match[s.same] == s.same && slices.Equal(x.Row(s.same), clean.Row(s.same)) {
		s.same++
	}
	r, done := s.m.run(ctx, nil)
	defer done()
	var h tensor.Tensor
	s.cache = st.cache
	h = s.m.Decoder.ForwardEach(r, r.Upload(x), s.corrupted.Positions, s.cache, func(x tensor.Tensor) { s.before = append(s.before, r.Download(x)) })
	logits := s.m.Decoder.Logits(r, h.Slice(h.Rows-1, h.Rows))
	s.logits = r.Download(logits).Row(0)
	return s.m.explain(r.Synchronize())
}

// compare finds the two answers, and what each run says of them.
func (s *sweep) compare(clean []float32) error {
	if s.o.Answers == nil {
		likeliest := func(logits []float32) int {
			id, _ := decoder.NewSampler(decoder.Sampling{}, nil).Next(slices.Clone(logits))
			return id
		}
		s.o.Answers = &[2]int{likeliest(clean), likeliest(s.logits)}
		if a := *s.o.Answers; a[0] == a[1] {
			return &option.Error{Field: "PatchOptions.Answers", Fault: fmt.Sprintf("both prompts have the same answer, token %d", a[0]), Want: "name the two tokens to hold against each other in PatchOptions.Answers"}
		}
	}
	a := *s.o.Answers
	for _, id := range a {
		if id < 0 || id >= len(clean) {
			return fmt.Errorf("there is no token %d, the vocabulary has %d", id, len(clean))
		}
	}
	s.out.Clean = PatchedRun{a[0], s.difference(clean)}
	s.out.Corrupted = PatchedRun{a[1], s.difference(s.logits)}
	if s.out.Clean.Difference == s.out.Corrupted.Difference {
		return &option.Error{Field: "PatchOptions.Answers", Value: a, Fault: fmt.Sprintf("the logits of tokens %d and %d differ by %g in both runs: there is nothing to restore", a[0], a[1], s.out.Clean.Difference), Want: "name other tokens in PatchOptions.Answers"}
	}
	return nil
}

func (s *sweep) difference(logits []float32) float64 {
	return float64(logits[s.o.Answers[0]]) - float64(logits[s.o.Answers[1]])
}

func (s *sweep) normalize() {
	c, d := s.out.Corrupted.Difference, s.out.Clean.Difference
	for i, row := range s.out.Difference {
		for j, v := range row {
			s.out.Restored[i][j] = (v - c) / (d - c)
			if math.Abs(s.out.Restored[i][j]) == 0 {
				s.out.Restored[i][j] = 0 // never -0
			}
		}
	}
}
