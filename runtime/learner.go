package loupe

import (
	"context"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/tensor"
	"github.com/loupe-vl/loupe/weights"
)

// Learner is a model as what teaches it sees it: the parts that can learn, and what an example costs. It is the model's own: what
// learns changes the model, which then serves nobody else meanwhile. Package train is made of it.
type Learner struct{ m *Model }

// Learner gives what learns of the model.
func (m *Model) Learner() Learner { return Learner{m} }

// DeviceOf is the device with the module or tensor of that name: what learns of it lies there too.
func (l Learner) DeviceOf(name string) kernels.Device { return l.m.devices.Of(name) }

// Linears lists the linear maps of both towers in the order of the computation, without lm_head.
func (l Learner) Linears() []*tensor.Linear { return l.m.linears() }

// Adaptable lists the linear maps that an adapter can have a branch beside: those of both towers and lm_head.
func (l Learner) Adaptable() []*tensor.Linear { return l.m.adaptable() }

// Norms lists the norms of both towers in the order of the computation.
func (l Learner) Norms() []*tensor.Norm { return l.m.norms() }

// RefreshDoRA computes what DoRA divides by again, from the weights as they are now: after each step in which branches learned.
func (l Learner) RefreshDoRA() error { return l.m.refreshDoRA() }

// Replaced is the adapter's tensor that the model computes with in place of that of the canonical name.
func (l Learner) Replaced(name string) (weights.Tensor, bool) { return l.m.replacedBy(name) }

// PartShape is the shape that a part of the branch beside a linear map has in PEFT's file.
func (l Learner) PartShape(of *tensor.Linear, part string, rank int) []int {
	return l.m.partShape(of, part, rank)
}

// NewHead gives the model a score head of that description whose weights are all 0, in place of the one it has.
func (l Learner) NewHead(cfg weights.ScoreHeadConfig) error { return l.m.newHead(cfg) }

// Answered is a prepared prompt with an answer, or the beginning of one, after it: to be learned, or gone on with. The answer's
// tokens are its own, as they are when the model writes it: what the prompt's tokens are does not depend on it.
func (l Learner) Answered(p *Prompt, answer string) (*Prompt, error) { return l.m.answered(p, answer) }

// Learn runs an example forward and backward: the gradients of what learns grow by those of Weight * (LM + Lambda * Score).
func (l Learner) Learn(ctx context.Context, e Example, o LearnOptions) (Losses, error) {
	return l.m.learn(ctx, e, o)
}

// Losses runs an example forward only: what it costs the model as it is, with the dropout of o.Seed.
func (l Learner) Losses(ctx context.Context, e Example, o LearnOptions) (Losses, error) {
	return l.m.losses(ctx, e, o)
}

// Loss runs an example on r, which may record: one pass of the vision tower for both the score head and the decoder. The gradient of
// o.Weight * (LM + o.Lambda * Score) is what r.Backward then goes through. An error is r's.
func (l Learner) Loss(r *tensor.Run, e Example, o LearnOptions) Losses { return l.m.loss(r, e, o) }

// Pooled is what the score head makes of a prompt before its first layer: one row of features, (width). The decoder runs only if
// the head reads from it.
func (l Learner) Pooled(ctx context.Context, p *Prompt) ([]float32, error) { return l.m.pooled(ctx, p) }

// Through maps rows of pooled features through the first n layers of the score head; see vit.Head.
func (l Learner) Through(ctx context.Context, pooled [][]float32, n int) ([][]float32, error) {
	return l.m.through(ctx, pooled, n)
}

// LearnHead is Learn for the score head alone, over features that it pooled before: nothing else is run.
func (l Learner) LearnHead(ctx context.Context, pooled []float32, e Example, o LearnOptions) (Losses, error) {
	return l.m.learnHead(ctx, pooled, e, o)
}

// EstimateTrainingMemory is how many bytes of memory Learn would take for an example beside the weights and what learns:
// activations, their gradients, and the largest operand of a product in the form that the kernels read. It runs forward and
// backward on shapes only, which takes next to no time.
func (l Learner) EstimateTrainingMemory(ctx context.Context, e Example, o LearnOptions) (int64, error) {
	return l.m.estimateTrainingMemory(ctx, e, o)
}

// BlankExample is an example without contents: a picture of rows by columns merged rows, among text tokens before and after it, and
// an answer of so many tokens that are learned.
func (l Learner) BlankExample(rows, columns, text, answer int) (Example, error) {
	return l.m.blankExample(rows, columns, text, answer)
}
