package loupe

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/loupe-vl/loupe/decoder"
	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/devicetest"
	"github.com/loupe-vl/loupe/runtime/internal/device"
	"github.com/loupe-vl/loupe/vit/picture"
)

// infinite is a token to which a test's model gives an infinite embedding.
const infinite = 5

// asked is an answer that takes part in a test of many.
type asked struct {
	p     *Prompt
	g     Generation
	joins int  // at this step
	look  bool // somebody looks
	// After so many tokens it is canceled, fails, or is left; 0 for never.
	cancelAt, failAt, leaveAt int
	forkOf                    int // it is the fork of this one, if that is above 0
}

// outcome is all that an answer gives.
type outcome struct {
	Tokens []Token
	Digest string
	Blocks []string // of what layers put out, where somebody looks
	Ended  string   // the error that ended it
}

// running is an answer under way.
type running struct {
	*asked
	*Sequence
	digests BlockDigests
	cancel  context.CancelFunc
	outcome
}

// begin reads the prompt, or takes that of another one.
func (a *asked) begin(t *testing.T, m *Model, of *running) *running {
	t.Helper()
	x := &running{asked: a}
	var ctx context.Context
	ctx, x.cancel = context.WithCancel(context.Background())
	t.Cleanup(x.cancel)
	var answer *Answer
	var err error
	switch {
	case of != nil:
		x.Sequence, err = of.Sequence.Fork(ctx, a.g)
	case a.look:
		answer, err = x.digests.Answer(ctx, m, a.p, a.g)
	default:
		answer, err = m.Answer(ctx, a.p, a.g)
	}
	if err != nil {
		t.Fatal(err)
	}
	if answer != nil {
		x.Sequence = answer.Sequence
	}
	return x
}

// took notes a token, does what happens after it, and says whether the answer goes on.
func (x *running) took(tok Token, err error) bool {
	if err != nil {
		x.Ended = err.Error()
		return false
	}
	x.Tokens = append(x.Tokens, tok)
	switch len(x.Tokens) {
	case x.cancelAt:
		x.cancel()
	case x.failAt:
		x.last.ID = infinite
	case x.leaveAt:
		x.Close()
		return false
	}
	return tok.Finish == ""
}

// end is what the answer gave.
func (x *running) end() outcome {
	x.Digest, x.Blocks = x.LogitsDigest(), x.digests.Steps()
	return x.outcome
}

// alone runs each by itself, with the loop that Generate has.
func alone(t *testing.T, m *Model, all []*asked) []outcome {
	t.Helper()
	var out []outcome
	for _, a := range all {
		x := a.begin(t, m, nil)
		for tok, err := range (&Answer{Sequence: x.Sequence}).Tokens() {
			if !x.took(tok, err) {
				break
			}
		}
		out = append(out, x.end())
	}
	return out
}

// together runs all by Step. It stands for what will schedule them.
func together(t *testing.T, m *Model, all []*asked) []outcome {
	t.Helper()
	out, begun := make([]outcome, len(all)), make([]*running, len(all))
	var live []*running
	left := len(all)
	choose := func() {
		live = slices.DeleteFunc(live, func(x *running) bool {
			if x.took(x.Next()) {
				return false
			}
			out[slices.Index(all, x.asked)] = x.end()
			left--
			return true
		})
	}
	for step := 0; left > 0; step++ {
		var new []*running
		for i, a := range all {
			if a.joins == step {
				var of *running
				if a.forkOf > 0 {
					of = begun[a.forkOf]
				}
				begun[i] = a.begin(t, m, of)
				new = append(new, begun[i])
			}
		}
		var sequences []*Sequence
		for _, x := range live {
			sequences = append(sequences, x.Sequence)
		}
		if err := m.Step(context.Background(), sequences); err != nil {
			t.Fatal(err)
		}
		live = append(live, new...)
		choose()
	}
	return out
}

// askedOf are n answers of different lengths, kinds and ends.
func askedOf(t *testing.T, m *Model, n int) []*asked {
	t.Helper()
	img := func(seed, size int) picture.Image {
		out := picture.Image{Width: size, Height: 56, Pix: make([]byte, 3*size*56)}
		for i := range out.Pix {
			out.Pix[i] = byte(i*i*seed>>7 + 31*seed)
		}
		return out
	}
	p := 0.9
	var all []*asked
	for i := range n {
		in := Ask(strings.Repeat("What is shown here? ", 1+i%4), img(i, 56+28*(i%3)))
		if i%3 == 1 {
			in = Ask(fmt.Sprintf("Say %d words.", i))
		}
		prompt, err := m.Prepare(context.Background(), in)
		if err != nil {
			t.Fatal(err)
		}
		a := &asked{p: prompt, joins: i % 4, g: Generation{MaxTokens: 3 + i*5%11, IgnoreEOS: i%5 != 0}}
		if i%2 == 1 {
			a.g.Sampling = decoder.Sampling{Temperature: 1.5, TopP: &p, Seed: uint64(i), RepetitionPenalty: 1.2}
		}
		switch i % 8 {
		case 2:
			a.g.Stop = []string{"e"}
		case 3:
			a.cancelAt = 2
		case 4:
			a.failAt = 3
		case 5:
			a.look = true
		case 6:
			a.leaveAt = 2
		case 7: // the one before, with another seed
			a.p, a.joins, a.forkOf = all[i-1].p, all[i-1].joins, i-1
		}
		all = append(all, a)
	}
	return all
}

// withInfinity gives a token's embedding an infinity.
func withInfinity(t *testing.T, m *Model) {
	t.Helper()
	e := m.Decoder.Embed
	x := make([]float32, e.Rows*e.Cols)
	for i := range e.Rows {
		e.Row(x[i*e.Cols:][:e.Cols], i)
	}
	x[infinite*e.Cols] = float32(math.Inf(1))
	var err error
	m.Decoder.Embed, err = m.device.PlaceWeight(kernels.Matrix{Layout: kernels.F32, F32: x, Rows: e.Rows, Cols: e.Cols, Stride: e.Cols})
	if err != nil {
		t.Fatal(err)
	}
}

// TestStep: answers that run together give what they give alone, to the bit of every logit, in every precision and on a device whose
// memory is not the program's: greedy and sampled, with pictures and without, stopped, canceled, failed, left, looked at, and forked
// from one prompt.
func TestStep(t *testing.T) {
	n := 12
	if os.Getenv("LOUPE_LONG") == "1" {
		n = 32
	}
	for _, precision := range Precisions {
		t.Run(precision, func(t *testing.T) { stepTogether(t, precision, n) })
	}
	t.Run("foreign device", func(t *testing.T) {
		before := device.Of
		defer func() { device.Of = before }()
		device.Of = func(e *kernels.Engine) kernels.Device { return devicetest.New(e) }
		stepTogether(t, "exact", 9)
	})
}

// stepTogether compares n answers that run together with each alone.
func stepTogether(t *testing.T, precision string, n int) {
	m, err := Embedded(Options{Precision: precision, MaxPixels: 28 * 28 * 16})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	withInfinity(t, m)
	all := askedOf(t, m, n)
	want := alone(t, m, all)
	m.Decoder.Pages = decoder.NewPagePool(m.devices, m.Config.Text, 8) // forks of short prompts share pages too
	got := together(t, m, all)
	for i := range all {
		if d := cmp.Diff(want[i], got[i]); d != "" {
			t.Errorf("answer %d differs (-alone +together):\n%s", i, d)
		}
	}
	canceled, failed := 0, 0
	for _, o := range want {
		if o.Ended == context.Canceled.Error() {
			canceled++
		} else if strings.Contains(o.Ended, "model.layers.0.out is") {
			failed++
		} else if o.Ended != "" {
			t.Errorf("an answer ends with %q", o.Ended)
		}
	}
	if canceled == 0 || failed == 0 {
		t.Errorf("%d answers are canceled and %d fail: the test compares too little", canceled, failed)
	}
	if s := m.Decoder.Pages.Stats(); s.InUse != 0 || s.Shared != 0 {
		t.Errorf("after all answers have ended the pool has %+v", s)
	}
}

// TestStepFault: an answer that is given another's logits is found by the comparison above.
func TestStepFault(t *testing.T) {
	m, err := Embedded(Options{MaxPixels: 28 * 28 * 16})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	all := askedOf(t, m, 2)
	want := alone(t, m, all)
	a, b := all[0].begin(t, m, nil), all[1].begin(t, m, nil)
	a.s.cache, b.s.cache = b.s.cache, a.s.cache // the fault
	for _, x := range []*running{a, b} {
		for x.took(x.Next()) {
			if err := m.Step(context.Background(), []*Sequence{x.Sequence}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if cmp.Equal(want[0], a.end()) || cmp.Equal(want[1], b.end()) {
		t.Error("answers with each other's keys and values are not told from the right ones")
	}
}

// TestStepRefuses: a call that cannot be meant is an error, and a sequence that is not stepped, or over, says so.
func TestStepRefuses(t *testing.T) {
	m, err := synthetic("tiny", tiny(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	other, err := synthetic("tiny", tiny(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	ctx := context.Background()
	begin := func() *Answer {
		a, err := m.Answer(ctx, textPrompt(t, 3, 1, 4), Generation{MaxTokens: 3})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	a := begin()
	if _, err := a.Next(); err != nil {
		t.Fatal(err)
	}
	if err := other.Step(ctx, []*Sequence{a.Sequence}); err == nil {
		t.Error("a sequence of another model is no error")
	}
	if err := m.Step(ctx, []*Sequence{a.Sequence, a.Sequence}); err == nil {
		t.Error("a sequence that comes twice is no error")
	}
	if err := m.Step(ctx, []*Sequence{a.Sequence}); err != nil {
		t.Error(err)
	}
	if _, err := a.Next(); err != nil {
		t.Errorf("after a call that was refused the sequence does not go on: %v", err)
	}
	if _, err := a.Fork(ctx, Generation{}); err == nil {
		t.Error("a fork after the first token is no error")
	}
	if _, err := a.Next(); err == nil || !strings.Contains(err.Error(), "not read") {
		t.Errorf("a second token without a step gives %v", err)
	}
	b := begin()
	b.Close()
	if _, err := b.Next(); !errors.Is(err, errOver) || b.Err() != nil {
		t.Errorf("a closed answer gives %v, and the error %v", err, b.Err())
	}
	if _, err := b.ForceToken(1); !errors.Is(err, errOver) {
		t.Errorf("a token forced on a closed answer gives %v", err)
	}
	c, cancel := context.WithCancel(ctx)
	cancel()
	d := begin()
	if _, err := d.Next(); err != nil {
		t.Fatal(err)
	}
	if err := m.Step(c, []*Sequence{d.Sequence}); err != nil || !errors.Is(d.Err(), context.Canceled) {
		t.Errorf("a canceled step gives %v, its sequence %v", err, d.Err())
	}
}

// TestManyStepsAllocateNothing: a step of several answers takes its memory from the steps before it, as one of a single answer does.
func TestManyStepsAllocateNothing(t *testing.T) {
	if racing {
		t.Skip("the race detector makes pools drop what they are given")
	}
	m, err := Embedded(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	var sequences []*Sequence
	for i := range 5 {
		a, err := m.Answer(context.Background(), textPrompt(t, slices.Repeat([]int{3, 1, 4}, 1+i)...), Generation{})
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		sequences = append(sequences, a.Sequence)
	}
	step := func() {
		for i, q := range sequences {
			q.last.ID, q.unread = 9+i, true
		}
		if err := m.Step(context.Background(), sequences); err != nil {
			t.Error(err)
		}
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a collection empties the pools
	step()
	n := testing.AllocsPerRun(20, step)
	for range 4 { // what other goroutines of the test binary allocate counts too, but not every time
		n = min(n, testing.AllocsPerRun(20, step))
	}
	if n > 0 {
		t.Errorf("a step of %d answers allocates %v times", len(sequences), n)
	}
	for _, q := range sequences {
		if err := q.Err(); err != nil {
			t.Error(err)
		}
	}
}
