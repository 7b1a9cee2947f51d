package loupe

import (
	"context"

	"github.com/loupe-vl/loupe/decoder"
	"github.com/loupe-vl/loupe/kernels/tensor"
	"github.com/loupe-vl/loupe/vit"
	"github.com/loupe-vl/loupe/weights"
)

// Example is what a model is to learn from one prompt, whose tokens go on through the wanted answer.
type Example struct {
	Prompt *Prompt
	// Labels holds for each token of the prompt its id where it is to be learned, else tensor.IgnoreIndex: what the model
	// says before a token is held against its label. nil: no loss of the language model.
	Labels []int
	// Targets are the standardized values that the score head is to give, of which those count that are Present.
	// nil: no loss of the score head.
	Targets []float32
	Present []bool
}

// Losses are what an example costs: the cross-entropy, averaged over the learned tokens, and the squared error of the
// standardized targets (or Huber's loss), averaged over those present.
type Losses struct {
	LM, Score float64
	Outputs   []float32 // of the score head
}

// loss runs an example on r, which may record: one pass of the vision tower for both the score head and the decoder. The
// gradient of o.Weight * (LM + o.Lambda * Score) is what r.Backward then goes through. An error is r's.
func (m *Model) loss(r *tensor.Run, l Example, o LearnOptions) Losses {
	f := m.forwardTowers(r, l.Prompt)
	var out Losses
	var h tensor.Tensor
	if l.Labels != nil || l.Targets != nil && !m.Head.Config.Input.FromTower() {
		h = m.forwardDecoder(r, l.Prompt, f)
	}
	if l.Labels != nil {
		at, labels := shifted(l.Labels)
		logits := m.Decoder.Logits(r, r.Select(h, at))
		out.LM = r.CrossEntropy(logits, labels, o.Weight)
	}
	if l.Targets != nil {
		z := m.Head.Forward(r, m.headInput(r, f, question(h, l.Labels)))
		out.Score = scoreLoss(r, z, l, o)
		out.Outputs = r.Download(z).Floats()
	}
	return out
}

// question is the part of the decoder's rows before the answer: all that a score head sees when it judges.
func question(h tensor.Tensor, labels []int) tensor.Tensor {
	for i, label := range labels {
		if label != tensor.IgnoreIndex {
			return h.Slice(0, min(i, h.Rows))
		}
	}
	return h
}

// scoreLoss is the loss of the head's outputs z, (1, targets).
func scoreLoss(r *tensor.Run, z tensor.Tensor, l Example, o LearnOptions) float64 {
	switch {
	case o.HeadGrad != nil:
		r.ChangeGrad(z, func(dz tensor.Tensor) {
			for i, g := range o.HeadGrad {
				dz.Row(0)[i] += float32(o.Lambda * g)
			}
		})
		return 0
	case o.Huber:
		return r.Huber(z, l.Targets, l.Present, o.Weight*o.Lambda)
	}
	return r.SquaredError(z, l.Targets, l.Present, o.Weight*o.Lambda)
}

// shifted lists the tokens whose successor is learned, and these successors.
func shifted(labels []int) (at, next []int) {
	for i, label := range labels {
		if i > 0 && label != tensor.IgnoreIndex {
			at, next = append(at, i-1), append(next, label)
		}
	}
	return at, next
}

// forwardTowers is the vision tower over images and videos, on one run that keeps what it needs.
func (m *Model) forwardTowers(r *tensor.Run, p *Prompt) (f features) {
	var earlier []vit.Grid
	tower := func(v *Vision, name, pass string) tensor.Tensor {
		if v == nil {
			return tensor.Tensor{}
		}
		r.Pass = pass
		pixels := r.Input(r.Upload(v.Pixels))
		out := m.Tower.Forward(r, r.Tap(tensor.At(name, ""), pixels), v.Grids, earlier, m.headReads())
		if out.Head.Rows > 0 {
			f.head = append(f.head, out.Head)
		}
		earlier = append(earlier, v.Grids...)
		return out.Merged
	}
	f.images = tower(p.Images, "pixel_values", imagesSuffix)
	f.videos = tower(p.Videos, "pixel_values_videos", videosSuffix)
	return f
}

// forwardDecoder reads the whole prompt at once, without a cache: model.norm's output.
func (m *Model) forwardDecoder(r *tensor.Run, p *Prompt, f features) tensor.Tensor {
	r.PromptRows = len(p.IDs)
	defer func() { r.PromptRows = 0 }()
	s := state{m: m, p: p, f: f}
	return m.Decoder.Forward(r, m.Decoder.EmbedTokens(r, p.IDs, s.vision()), p.Positions, decoder.NoCache{})
}

// headInput is what the score head reads, with its gradient: the images' rows before the videos'.
func (m *Model) headInput(r *tensor.Run, f features, h tensor.Tensor) tensor.Tensor {
	if !m.Head.Config.Input.FromTower() {
		return h
	}
	if len(f.head) == 0 {
		r.Fail(errNoPicture)
		return h
	}
	return r.Concat(f.head...)
}

// LearnOptions are how an example counts in a step.
type LearnOptions struct {
	Weight    float32 // of the example: 1 / records of the step
	Lambda    float32 // of the score's loss beside the language model's
	Huber     bool    // the score's loss is Huber's, in place of the squared error
	Recompute bool    // see tensor.Tape
	Seed      uint64  // of dropout; 0: none
	// HeadGrad is the gradient of the score's loss by the head's outputs, where that loss depends on more than this example and
	// is computed elsewhere; it counts times Lambda, and Score stays 0. nil: the loss of the example's own targets.
	HeadGrad []float32
}

// learn runs an example forward and backward: the gradients of what learns grow by those of Weight * (LM + Lambda * Score).
func (m *Model) learn(ctx context.Context, l Example, o LearnOptions) (out Losses, err error) {
	r, done := m.run(ctx, nil)
	defer done()
	defer weights.RecoverFault(&err)
	r.Record(&tensor.Tape{Recompute: o.Recompute})
	r.DropoutSeed = o.Seed
	out = m.loss(r, l, o)
	r.Backward()
	return out, m.still(m.explain(r.Synchronize()))
}

// losses runs an example forward only: what it costs the model as it is, with the dropout of o.Seed.
func (m *Model) losses(ctx context.Context, l Example, o LearnOptions) (out Losses, err error) {
	r, done := m.run(ctx, nil)
	defer done()
	defer weights.RecoverFault(&err)
	r.DropoutSeed = o.Seed
	out = m.loss(r, l, o)
	return out, m.still(m.explain(r.Synchronize()))
}
