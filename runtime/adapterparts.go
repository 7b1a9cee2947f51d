package loupe

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/tensor"
	"github.com/loupe-vl/loupe/weights"
)

// Names of the two ends of a tie.
const (
	embedName  = "model.embed_tokens"
	lmHeadName = "lm_head"
)

// matrix is the adapter's tensor that is a part of a module, of the given shape; the first error is that of a.params.
func (a *adapter) matrix(module, part string, shape ...int) kernels.Matrix {
	return a.params.Matrix(a.stored[[2]string{module, part}], shape...)
}

func (a *adapter) vector(module, part string, n int) kernels.Buffer {
	return a.params.PlaceVector(module, a.params.Vector(a.stored[[2]string{module, part}], n))
}

// took remembers that the adapter's tensor is used in place of the checkpoint's of the canonical name.
func (a *adapter) took(name, module, part string) {
	if a.m.replaced == nil {
		a.m.replaced = map[string]weights.Tensor{}
	}
	if t, err := a.m.adapterFile.Tensor(a.stored[[2]string{module, part}]); err == nil {
		a.m.replaced[name] = t
	}
}

// replacedBy is the adapter's tensor that the model computes with in place of that of the canonical name.
func (m *Model) replacedBy(name string) (weights.Tensor, bool) {
	t, ok := m.replaced[name]
	return t, ok
}

// retied puts weights of embed_tokens and lm_head that modules_to_save does not name in place of the base's, as PEFT does: of a
// tied model both ends are one, and change together.
func (a *adapter) retied() error {
	m, text := a.m, a.m.Config.Text
	free := func(module string) bool {
		return a.has(module, weights.PartWeight) && !slices.Contains(a.chosen.Saved, module)
	}
	embed, head := free(embedName), free(lmHeadName)
	if text.TieWordEmbeddings && embed && head {
		x, err := m.adapterFile.Tensor(a.stored[[2]string{embedName, weights.PartWeight}], text.VocabSize, text.HiddenSize)
		if err != nil {
			return err
		}
		y, err := m.adapterFile.Tensor(a.stored[[2]string{lmHeadName, weights.PartWeight}], text.VocabSize, text.HiddenSize)
		if err != nil {
			return err
		}
		if x.DType != y.DType || !bytes.Equal(x.Data, y.Data) {
			return fmt.Errorf("%s: tensors %q and %q differ, and the model ties the two; remove one, or name both in modules_to_save", a.file, x.Stored, y.Stored)
		}
	}
	for _, module := range []string{embedName, lmHeadName} {
		if !free(module) {
			continue
		}
		w := a.matrix(module, weights.PartWeight, text.VocabSize, text.HiddenSize)
		if module == embedName || text.TieWordEmbeddings {
			m.Decoder.Embed = a.params.Place(embedName, w)
			a.took(embedName+".weight", module, weights.PartWeight)
		}
		if module == lmHeadName || text.TieWordEmbeddings {
			a.linear(m.Decoder.LMHead, w)
			a.took(lmHeadName+".weight", module, weights.PartWeight)
		}
	}
	return nil
}

// linear gives a linear map a weight of the adapter. It has the form of the precision where that rounds, and is exact where the
// precision quantizes: PEFT leaves what is saved whole as it is, too.
func (a *adapter) linear(l *tensor.Linear, w kernels.Matrix) {
	p := a.m.options.Precision
	if convert := converter(a.m.engine, p); (p == "bf16" || p == "bf16-mma") && a.params.Err() == nil {
		w, _, _ = convert(l.Name, w) // which rounds and cannot fail
	}
	l.W = a.params.Place(l.Name, w)
}

// replace puts the modules that are saved whole, and biases, in place of the base's.
func (a *adapter) replace() error {
	m, text := a.m, a.m.Config.Text
	saved := func(module string) bool { return slices.Contains(a.chosen.Saved, module) }
	bias := func(module string, to *kernels.Buffer) {
		if !to.None() && a.has(module, weights.PartBias) {
			*to = a.vector(module, weights.PartBias, to.Len())
			a.took(module+".bias", module, weights.PartBias)
		}
	}
	if saved(embedName) {
		m.Decoder.Embed = a.params.Place(embedName, a.matrix(embedName, weights.PartWeight, text.VocabSize, text.HiddenSize))
		a.took(embedName+".weight", embedName, weights.PartWeight)
	}
	for _, l := range m.adaptable() {
		if saved(l.Name) {
			a.linear(l, a.matrix(l.Name, weights.PartWeight, m.weightShape(l)...))
			a.took(l.Name+".weight", l.Name, weights.PartWeight)
		}
		bias(l.Name, &l.Bias)
	}
	for _, n := range m.norms() {
		if saved(n.Name) {
			n.Weight = a.vector(n.Name, weights.PartWeight, n.Weight.Len())
			a.took(n.Name+".weight", n.Name, weights.PartWeight)
		}
		bias(n.Name, &n.Bias)
	}
	return nil
}

// weightShape is the shape that a linear map's weight has in a file: the convolution's has five dimensions.
func (m *Model) weightShape(l *tensor.Linear) []int {
	if l == m.Tower.PatchEmbed {
		v := m.Config.Vision
		return []int{v.EmbedDim, v.InChannels, v.TemporalPatchSize, v.PatchSize, v.PatchSize}
	}
	return []int{l.W.Rows, l.W.Cols}
}

// partShape is the shape that a part of the branch beside a linear map has in PEFT's file.
func (m *Model) partShape(l *tensor.Linear, part string, rank int) []int {
	w := m.weightShape(l)
	rest := []int(nil) // a convolution's B and magnitudes have the dimensions of its kernel too
	for range len(w) - 2 {
		rest = append(rest, 1)
	}
	switch part {
	case weights.PartA:
		return append([]int{rank}, w[1:]...)
	case weights.PartB:
		return append([]int{w[0], rank}, rest...)
	}
	if len(rest) > 0 {
		return append([]int{1, w[0]}, rest...)
	}
	return []int{w[0]}
}

// branches puts the adapter's branches beside the modules.
func (a *adapter) branches() error {
	for _, l := range a.m.adaptable() {
		b, ok := a.chosen.Branches[l.Name]
		if !ok {
			continue
		}
		l.LoRA = &tensor.LoRA{
			A:     a.params.Place(l.Name, a.matrix(l.Name, weights.PartA, a.m.partShape(l, weights.PartA, b.Rank)...)),
			B:     a.params.Place(l.Name, a.matrix(l.Name, weights.PartB, a.m.partShape(l, weights.PartB, b.Rank)...)),
			Scale: float32(b.Scale), Dropout: float32(a.config.Dropout),
		}
		if a.config.DoRA {
			l.LoRA.DoRA = &tensor.DoRA{Magnitude: a.params.PlaceVector(l.Name, flat(a.matrix(l.Name, weights.PartMagnitude, a.m.partShape(l, weights.PartMagnitude, b.Rank)...)))}
		}
	}
	b, ok := a.chosen.Branches[embedName]
	if !ok {
		return a.params.Err()
	}
	text := a.m.Config.Text
	l := &tensor.EmbeddingLoRA{
		A:     a.params.Place(embedName, turned(a.matrix(embedName, weights.PartEmbedA, b.Rank, text.VocabSize))),
		B:     a.params.Place(embedName, a.matrix(embedName, weights.PartEmbedB, text.HiddenSize, b.Rank)),
		Scale: float32(b.Scale),
	}
	if a.config.DoRA {
		l.DoRA = &tensor.DoRA{Magnitude: a.vector(embedName, weights.PartMagnitude, text.HiddenSize)}
	}
	a.m.Decoder.EmbedLoRA = l
	return a.params.Err()
}

// flat is the numbers of a matrix in order.
func flat(m kernels.Matrix) []float32 {
	out := make([]float32, m.Rows*m.Cols)
	for r := range m.Rows {
		m.Row(out[r*m.Cols:], r)
	}
	return out
}

// turned is a matrix with rows for columns, in memory of its own.
func turned(m kernels.Matrix) kernels.Matrix {
	from, to := flat(m), make([]float32, m.Rows*m.Cols)
	for r := range m.Rows {
		for c := range m.Cols {
			to[c*m.Rows+r] = from[r*m.Cols+c]
		}
	}
	return kernels.Matrix{Layout: kernels.F32, F32: to, Rows: m.Cols, Cols: m.Rows, Stride: m.Rows}
}
