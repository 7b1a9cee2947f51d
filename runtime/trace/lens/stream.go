package lens

import (
	"context"
	"fmt"
	"slices"

	"github.com/loupe-vl/loupe/kernels/tensor"
	loupe "github.com/loupe-vl/loupe/runtime"
)

// Input is the layer number of the input of the first layer, which is layer 0.
const Input = -1

// outName is the tap of the residual stream after a layer.
func outName(layer int) string { return fmt.Sprintf("model.layers.%d.out", layer) }

// residual is the chosen rows of the residual stream after each chosen layer.
type residual map[int]tensor.Tensor // by layer; (rows, hidden_size)

// readResidual reads the chosen rows of the residual stream after each chosen layer; Input is the input of the first.
func readResidual(ctx context.Context, m *loupe.Model, p *loupe.Prompt, layers, rows []int) (residual, error) {
	out := residual{}
	byName := map[string]int{}
	var names []string
	for _, l := range layers {
		if l != Input {
			byName[outName(l)] = l
			names = append(names, outName(l))
		}
	}
	fromTower := map[int][]float32{} // rows of the input that pictures take
	if slices.Contains(layers, Input) {
		names = append(names, "model.embed_tokens")
		images, videos, err := m.Encode(ctx, p)
		if err != nil {
			return nil, err
		}
		for _, v := range []struct {
			of   *loupe.Vision
			rows tensor.Tensor
		}{{p.Images, images}, {p.Videos, videos}} {
			if v.of != nil {
				for i, at := range v.of.At {
					fromTower[at] = v.rows.Row(i)
				}
			}
		}
	}
	_, err := m.Trace(ctx, p, loupe.TraceOptions{Taps: names}, func(t loupe.Tap) error {
		all := tensor.Of(t.Shape[0], t.Shape[1], t.Data)
		kept := tensor.Of(len(rows), all.Cols, make([]float32, len(rows)*all.Cols))
		for i, r := range rows {
			copy(kept.Row(i), all.Row(r))
		}
		if l, ok := byName[t.Name]; ok {
			out[l] = kept
			return nil
		}
		for i, r := range rows {
			if row, ok := fromTower[r]; ok {
				copy(kept.Row(i), row)
			}
		}
		out[Input] = kept
		return nil
	})
	return out, err
}

// chosenLayers is a list of layers, nil for all, the input first.
func chosenLayers(m *loupe.Model, list []int) ([]int, error) {
	n := m.Config.Text.NumHiddenLayers
	if list == nil {
		for l := Input; l < n; l++ {
			list = append(list, l)
		}
	}
	for i, l := range list {
		if l < Input || l >= n {
			return nil, fmt.Errorf("layer %d: there are %d, numbered from 0; -1 is what goes into the first", l, n)
		}
		if slices.Contains(list[:i], l) {
			return nil, fmt.Errorf("layer %d is named twice; name it once", l)
		}
	}
	return list, nil
}

// chosenRows is a list of positions of the prompt, negative from the end, nil for the last.
func chosenRows(p *loupe.Prompt, list []int) ([]int, error) {
	if list == nil {
		list = []int{-1}
	}
	n := len(p.IDs)
	out := make([]int, len(list))
	for i, at := range list {
		if out[i] = at; at < 0 {
			out[i] += n
		}
		if out[i] < 0 || out[i] >= n {
			return nil, fmt.Errorf("position %d: the prompt has %d tokens", at, n)
		}
		if slices.Contains(out[:i], out[i]) {
			return nil, fmt.Errorf("position %d is named twice; name it once", out[i])
		}
	}
	return out, nil
}
