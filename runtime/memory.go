package loupe

import (
	"context"
	"fmt"

	"github.com/loupe-vl/loupe/decoder"
	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/meta"
	"github.com/loupe-vl/loupe/kernels/tensor"
	"github.com/loupe-vl/loupe/runtime/internal/family"
	"github.com/loupe-vl/loupe/vit"
	"github.com/loupe-vl/loupe/weights"
)

// estimateTrainingMemory is how many bytes of memory Learn would take for an example beside the weights and what learns: activations,
// their gradients, and the largest operand of a product in the form that the kernels read. It runs forward and
// backward on shapes only, which takes next to no time.
func (m *Model) estimateTrainingMemory(ctx context.Context, l Example, o LearnOptions) (int64, error) {
	arena := new(tensor.Arena)
	shapes := m.shapes()
	r := tensor.NewRun(ctx, shapes[0], arena, nil)
	r.Spread(shapes)
	r.Record(&tensor.Tape{Recompute: o.Recompute})
	r.DropoutSeed = o.Seed
	m.loss(r, l, o)
	r.Backward()
	return arenaBytes(arena, len(shapes)), m.explain(r.Err())
}

// shapes are devices of shapes only in the place of the model's.
func (m *Model) shapes() []kernels.Device {
	out := make([]kernels.Device, len(m.devices.Devices))
	for i, dev := range m.devices.Devices {
		out[i] = meta.Device{Host: dev.OnHost(), Number: i}
	}
	return out
}

// arenaBytes is the memory of a run's arena on all its devices, with the largest operand of a product once more on each.
func arenaBytes(arena *tensor.Arena, devices int) (n int64) {
	for i := range devices {
		a := arena.On(i, nil)
		n += int64(a.Bytes() + a.Largest())
	}
	return n
}

// Shape is a model of a published shape, "2b" or "7b", whose matrices are empty: it can tell what a run would need, and
// compute nothing. It has no tokenizer.
func Shape(name string, o Options) (*Model, error) {
	cfg, known := shapes[name]
	if !known {
		return nil, fmt.Errorf("shape %q is unknown; there are 2b and 7b", name)
	}
	of, err := family.Of(&cfg)
	if err != nil {
		return nil, err
	}
	m := &Model{Dir: "shape " + name, Config: &cfg, family: of, Generation: &weights.Generation{}, options: o, device: meta.Device{Host: true}}
	if m.engine, err = kernels.New(kernels.Options{Threads: 1, Kernels: "generic"}); err != nil {
		return nil, err
	}
	if m.Processor, m.VideoProcessor, err = publishedProcessors(o); err != nil {
		return nil, err
	}
	m.devices = weights.OneDevice(m.device)
	m.Tower, m.Decoder, err = assemble(&randomSource{}, m.devices, &cfg, nil)
	return m, err
}

// tensorBytes is the size of the model's tensors as they are stored.
func (m *Model) tensorBytes() int64 {
	if m.checkpoint == nil {
		var count randomSource
		if _, _, err := assemble(&count, weights.OneDevice(meta.Device{}), m.Config, nil); err != nil {
			return 0
		}
		return count.bytes
	}
	n := int64(0)
	for _, t := range m.checkpoint.Tensors() {
		n += int64(len(t.Data))
	}
	return n
}

// blankExample is an example without contents: a picture of rows by columns merged rows, among text tokens before and after it,
// and an answer of so many tokens that are learned.
func (m *Model) blankExample(rows, columns, text, answer int) (Example, error) {
	merge := m.Config.Vision.SpatialMergeSize
	grid := vit.Grid{1, rows * merge, columns * merge}
	patches := grid[1] * grid[2]
	v := &Vision{Grids: []vit.Grid{grid}, Pixels: tensor.Of(patches, m.Config.Vision.PatchDim(), make([]float32, patches*m.Config.Vision.PatchDim()))}
	p := &Prompt{Images: v}
	l := Example{Prompt: p}
	for i := range text + rows*columns + answer {
		id, label := 0, tensor.IgnoreIndex
		if i >= 1 && i < 1+rows*columns {
			id = m.Config.ImageTokenID
			v.At = append(v.At, i)
		}
		if i >= text+rows*columns {
			label = 0
		}
		p.IDs, l.Labels = append(p.IDs, id), append(l.Labels, label)
	}
	if m.Head != nil {
		n := len(m.Head.Config.Targets)
		l.Targets, l.Present = make([]float32, n), make([]bool, n)
		for i := range l.Present {
			l.Present[i] = true
		}
	}
	var err error
	p.Positions, p.RopeDelta, err = m.family.Decoder.Positions(len(p.IDs), []decoder.Placeholder{{Start: 1, Grid: grid}}, merge)
	return l, err
}
