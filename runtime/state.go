package loupe

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/loupe-vl/loupe/decoder"
	"github.com/loupe-vl/loupe/kernels/meta"
	"github.com/loupe-vl/loupe/kernels/tensor"
	"github.com/loupe-vl/loupe/runtime/internal/device"
	"github.com/loupe-vl/loupe/vit"
	"github.com/loupe-vl/loupe/weights"
)

// features are the merged vision rows of a prompt, in memory of their own.
type features struct {
	images, videos tensor.Tensor // (rows, hidden_size); no rows where there are none
	// head is what the score head reads: of each of them, or of the prompt's tokens in their order.
	head []tensor.Tensor
}

// Encode runs the vision tower over the pictures and videos of a prompt and gives the merged rows, (rows, hidden_size),
// of all images and then of all videos.
func (m *Model) Encode(ctx context.Context, p *Prompt) (images, videos tensor.Tensor, err error) {
	f, err := m.encode(ctx, p, nil, nil)
	return f.images, f.videos, err
}

// headReads is what the score head reads; nil where there is no head.
func (m *Model) headReads() *weights.HeadInput {
	if m.Head == nil {
		return nil
	}
	return &m.Head.Config.Input
}

// encode is the vision tower over images and videos. head is what the score head reads; nil where no score is wanted.
func (m *Model) encode(ctx context.Context, p *Prompt, hooks *hooks, head *weights.HeadInput) (f features, err error) {
	if hooks != nil {
		hooks.bothPasses = p.Images != nil && p.Videos != nil
	}
	if err := m.unchanged(); err != nil {
		return f, err
	}
	if p.Images != nil {
		if f.images, err = f.tower(ctx, m, p.Images, "pixel_values", imagesSuffix, nil, hooks, head); err != nil {
			return f, err
		}
	}
	if p.Videos != nil {
		var earlier []vit.Grid
		if p.Images != nil {
			earlier = p.Images.Grids
		}
		f.videos, err = f.tower(ctx, m, p.Videos, "pixel_values_videos", videosSuffix, earlier, hooks, head)
	}
	return f, m.still(err)
}

// tower is one pass of the vision tower: its merged rows, and in f.head what the score head reads.
func (f *features) tower(ctx context.Context, m *Model, v *Vision, name, pass string, earlier []vit.Grid, hooks *hooks, head *weights.HeadInput) (rows tensor.Tensor, err error) {
	r, done := m.run(ctx, hooks)
	defer done()
	defer weights.RecoverFault(&err)
	r.Pass = pass
	pixels := r.Upload(v.Pixels)
	if hooks != nil && len(hooks.edits) > 0 {
		pixels = r.Copy(pixels) // an intervention may change them in place
	}
	pixels = r.Tap(tensor.At(name, ""), pixels)
	out := m.Tower.Forward(r, pixels, v.Grids, earlier, head)
	rows = r.Download(out.Merged)
	switch {
	case head == nil || !head.FromTower():
	case head.From == weights.MergerOutput:
		f.head = append(f.head, rows)
	default:
		f.head = append(f.head, r.Download(out.Head))
	}
	if err := r.Synchronize(); err != nil {
		if device.IsFull(err) {
			err = fmt.Errorf("%d patches: %w, or show it smaller (Options.MaxPixels)", v.Pixels.Rows, err)
		}
		return tensor.Tensor{}, m.explain(err)
	}
	return rows, nil
}

// run begins a run with memory that done gives back. Until done, a fault of a mapped file is a panic, and not the end of the
// program: see weights.RecoverFault.
func (m *Model) run(ctx context.Context, p *hooks) (r *tensor.Run, done func()) {
	switch {
	case p == nil:
		return m.runWith(ctx, nil)
	case p.part != nil:
		return m.runWith(ctx, partHooks{p})
	}
	return m.runWith(ctx, p)
}

func (m *Model) runWith(ctx context.Context, p tensor.Hooks) (r *tensor.Run, done func()) {
	l := m.loans.get(m.device.OnHost())
	l.m, l.panics = m, debug.SetPanicOnFault(true)
	l.arena.Reset()
	if looking, ok := p.(*hooks); ok && looking.dry() {
		return tensor.NewRun(ctx, meta.Device{}, new(tensor.Arena), p), l.done
	}
	l.run.Begin(ctx, m.device, &l.arena, p)
	l.run.Spread(m.devices.Devices)
	return &l.run, l.done
}

// loan is a run and its memory, lent to one step after the other: decoding allocates neither.
type loan struct {
	m      *Model
	arena  tensor.Arena
	run    tensor.Run
	panics bool   // whether faults of the goroutine were panics before
	done   func() // gives it back; made once
}

// loans are those that nobody has. The host's memory goes when the garbage collector finds that nobody has asked for long. That of other
// devices stays, and what came back last is lent first, so that a step takes no more of it than was planned.
type loans struct {
	pool sync.Pool // of *loan
	mu   sync.Mutex
	kept []*loan
}

func (p *loans) get(host bool) *loan {
	if !host {
		p.mu.Lock()
		defer p.mu.Unlock()
		if n := len(p.kept); n > 0 {
			l := p.kept[n-1]
			p.kept = p.kept[:n-1]
			return l
		}
	}
	return p.pool.Get().(*loan)
}

func (p *loans) put(l *loan, host bool) {
	if host {
		p.pool.Put(l)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kept = append(p.kept, l)
}

func newLoan() any {
	l := new(loan)
	l.done = func() {
		m := l.m
		debug.SetPanicOnFault(l.panics)
		if l.run.Device() != nil && device.Is(l.run.Err()) { // a run on shapes alone has none
			l.arena.Drop()
		}
		l.m, l.run = nil, tensor.Run{} // a model that is gone is not kept
		m.loans.put(l, m.device.OnHost())
	}
	return l
}

// state is the decoder's side of one request: what it has read so far.
type state struct {
	m     *Model
	p     *Prompt
	f     features
	hooks *hooks
	cache *decoder.Cache
	// readsHead is set while the prompt is read and the score head reads the decoder's rows: they join f.head.
	readsHead bool

	logits []float32 // of the last step
	id, at [1]int    // its token and position, where it was one
}

func (m *Model) newState(p *Prompt, f features, hooks *hooks) *state {
	s := &state{m: m, p: p, f: f, hooks: hooks}
	if hooks.dry() {
		s.cache = decoder.NewPagePool(weights.OneDevice(meta.Device{}), m.Config.Text, decoder.DefaultPageRows).NewCache()
	} else {
		s.cache = m.Decoder.NewCache()
	}
	return s
}

// vision are the rows to place among the prompt's tokens.
func (s *state) vision() []decoder.Vision {
	var out []decoder.Vision
	if s.p.Images != nil {
		out = append(out, decoder.Vision{At: s.p.Images.At, Rows: s.f.images})
	}
	if s.p.Videos != nil {
		out = append(out, decoder.Vision{At: s.p.Videos.At, Rows: s.f.videos})
	}
	return out
}

// prefill reads the prompt and returns the logits of its last token, (vocab_size). It goes in chunks, unless somebody
// looks: a tap is then one tensor for the whole prompt. all asks for the logits of every token, as a tap on lm_head does.
func (s *state) prefill(ctx context.Context, chunk int, all bool) ([]float32, error) {
	n := len(s.p.IDs)
	if chunk <= 0 {
		chunk = defaultChunk
	}
	if s.hooks.looking() {
		chunk = n
	}
	head := s.m.headReads()
	s.readsHead = head != nil && !head.FromTower()
	defer func() { s.readsHead = false }()
	var logits []float32
	for lo := s.cache.Len(); lo < n; lo = s.cache.Len() { // a cache that was forked from another's has the beginning
		hi := min(lo+chunk, n)
		var err error
		if logits, err = s.step(ctx, s.p.IDs[lo:hi], s.p.Positions.Slice(lo, hi), s.vision(), hi == n, all); err != nil {
			return nil, err
		}
	}
	return logits, nil
}

// next reads one generated token and returns the logits after it, which are good until the next step.
func (s *state) next(ctx context.Context, id int) ([]float32, error) {
	ids, pos := s.one(id)
	return s.step(ctx, ids, pos, nil, true, false)
}

// one is a token to read after what was read, and its position. Both are good until the next one.
func (s *state) one(id int) ([]int, decoder.Positions) {
	s.id[0], s.at[0] = id, s.cache.Len()+s.p.RopeDelta
	return s.id[:], decoder.Positions{s.at[:], s.at[:], s.at[:]}
}

// step runs ids through the decoder. Only where last is set are logits computed: of the last token, or of all. They are good until the next step.
func (s *state) step(ctx context.Context, ids []int, pos decoder.Positions, vision []decoder.Vision, last, all bool) (after []float32, err error) {
	r, done := s.m.run(ctx, s.hooks)
	defer done()
	defer weights.RecoverFault(&err)
	r.FirstRow, r.PromptRows = s.cache.Len(), len(s.p.IDs)
	if s.hooks != nil {
		r.MoreRows = s.hooks.steps
	}
	x := s.m.Decoder.EmbedTokens(r, ids, vision)
	h := s.m.Decoder.Forward(r, x, pos, s.cache)
	if s.readsHead && r.Err() == nil {
		s.f.head = append(s.f.head, r.Download(h))
	}
	if !last {
		return nil, s.m.explain(r.Synchronize())
	}
	var logits tensor.Tensor
	switch {
	case !all:
		logits = s.m.Decoder.Logits(r, h.Slice(h.Rows-1, h.Rows))
	case s.hooks.inParts("lm_head"):
		logits = s.logitsInParts(r, h)
	default:
		logits = s.m.Decoder.Logits(r, h)
	}
	row := r.Host(logits.Slice(logits.Rows-1, logits.Rows))
	if err := r.Synchronize(); err != nil {
		return nil, s.m.explain(err)
	}
	s.logits = append(s.logits[:0], row.Row(0)...)
	return s.logits, nil
}

// logitRows is how many tokens' logits exist at once where hooks take them in parts.
const logitRows = 128

// logitsInParts computes the logits of all rows of h, some rows at a time, for hooks that take parts: those of a long prompt
// over a large vocabulary are the largest tensor of a run. The result is the last of them.
func (s *state) logitsInParts(r *tensor.Run, h tensor.Tensor) (last tensor.Tensor) {
	for lo := 0; lo < h.Rows; lo += logitRows {
		hi := min(lo+logitRows, h.Rows)
		r.Rows(lo, h.Rows, func() {
			if logits := s.m.Decoder.Logits(r, h.Slice(lo, hi)); hi == h.Rows {
				last = r.Download(logits.Slice(logits.Rows-1, logits.Rows))
			}
		})
	}
	return last
}
