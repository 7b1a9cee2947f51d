package trace

import (
	"context"
	"strings"

	"github.com/loupe-vl/loupe/kernels/tensor"
	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/weights"
)

// Inspection is what a checkpoint consists of: its parts and tensors.
type Inspection struct {
	Model string `json:"model"`
	// CannotRun says why loupe cannot run the checkpoint; "": it can.
	CannotRun string `json:"cannot_run,omitempty"`
	// Notes are what the model says when it is loaded.
	Notes   []string `json:"notes,omitempty"`
	Kernels string   `json:"kernels"`
	// Precision is that of the linear maps: what the model was quantized to, if it was.
	Precision string `json:"precision"`
	// Device is what the model computes on; nil: a CPU.
	Device *loupe.DeviceInfo `json:"device,omitempty"`
	// Config is config.json as loupe reads it (*weights.Config), or the JSON object as it is if loupe cannot run the
	// checkpoint.
	Config  any          `json:"config"`
	Parts   []Part       `json:"parts"`
	Digest  string       `json:"digest,omitempty"` // over the lines "name dtype shape digest" of all tensors
	Tensors []TensorInfo `json:"tensors"`
}

// Part is the size of one part of the model.
type Part struct {
	Name       string `json:"name"`
	Parameters int    `json:"parameters"`
	Bytes      int    `json:"bytes"`
}

// TensorInfo is one tensor. SHA256 is over its bytes; it and Stats are set only on request.
type TensorInfo struct {
	Name   string         `json:"name"`
	DType  weights.DType  `json:"dtype"`
	Shape  []int          `json:"shape"`
	File   string         `json:"file"`
	SHA256 string         `json:"sha256,omitempty"`
	Stats  *weights.Stats `json:"stats,omitempty"`
}

// Inspect lists a model's tensors; with full set it reads every byte for digests and statistics.
func Inspect(ctx context.Context, m *loupe.Model, full bool) (out *Inspection, err error) {
	defer weights.CatchFaults(&err)()
	r := &Inspection{Model: m.Name(), Kernels: m.Settings().Kernels, Precision: m.Settings().Precision, Device: m.GPU(), Config: m.Config, Notes: m.Notes}
	var digests []weights.TensorDigest
	linears := map[string]*tensor.Linear{m.Decoder.LMHead.Name: m.Decoder.LMHead}
	for _, l := range m.Learner().Linears() {
		linears[l.Name] = l
	}
	for _, t := range m.Stored().Checkpoint().Tensors() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		info, digest, err := look(t, full)
		if err != nil {
			return nil, err
		}
		r.Tensors = append(r.Tensors, info)
		digests = append(digests, digest)
		r.count(partOf(t.Name), parameters(t, linears), len(t.Data))
	}
	if full {
		r.Digest = weights.Digest(digests)
	}
	return r, m.Stored().Unchanged()
}

// partOf names the part that a tensor belongs to.
func partOf(name string) string {
	switch {
	case strings.HasPrefix(name, "visual.merger."):
		return "merger"
	case strings.HasPrefix(name, "visual."):
		return "vision"
	case strings.HasPrefix(name, "model.embed_tokens."):
		return "embedding"
	case strings.HasPrefix(name, "lm_head."):
		return "lm_head"
	case strings.HasPrefix(name, "model."):
		return "decoder"
	}
	part, _, _ := strings.Cut(name, ".")
	return part
}

// parameters is the number of the model's parameters in a tensor, without the padding and the scales of quantized weights.
func parameters(t weights.Tensor, linears map[string]*tensor.Linear) int {
	name, holdsWeights := weights.LinearPart(t.Name)
	switch l := linears[name]; {
	case l != nil && holdsWeights:
		return l.W.Rows * l.W.Cols
	case l != nil:
		return 0
	}
	return t.Len()
}

func (r *Inspection) count(part string, parameters, bytes int) {
	i := 0
	for i < len(r.Parts) && r.Parts[i].Name != part {
		i++
	}
	if i == len(r.Parts) {
		r.Parts = append(r.Parts, Part{Name: part})
	}
	r.Parts[i].Parameters += parameters
	r.Parts[i].Bytes += bytes
}
