package serve

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/vit"
)

// tower is one of the model's two towers.
type tower string

const (
	vision  tower = "vision"
	decoder tower = "decoder"
)

// stepsPrefix begins the names of taps of generated tokens.
const stepsPrefix = "steps."

// layers is the number of layers of a tower.
func (t tower) layers(m *loupe.Model) int {
	if t == vision {
		return m.Config.Vision.Depth
	}
	return m.Config.Text.NumHiddenLayers
}

// heads is the number of heads of a layer of the tower.
func (t tower) heads(m *loupe.Model) int {
	if t == vision {
		return m.Config.Vision.NumHeads
	}
	return m.Config.Text.NumAttentionHeads
}

// outs are the taps of the residual stream after each layer.
func (t tower) outs(m *loupe.Model) []string {
	var out []string
	for n := range t.layers(m) {
		if t == vision {
			out = append(out, fmt.Sprintf("visual.blocks.%d.out", n))
		} else {
			out = append(out, fmt.Sprintf("model.layers.%d.out", n))
		}
	}
	return out
}

// probs is the tap of a layer's attention to the one picture of a run.
func (t tower) probs(layer int) string {
	if t == vision {
		return fmt.Sprintf("visual.blocks.%d.attn.probs.0", layer)
	}
	return fmt.Sprintf("model.layers.%d.self_attn.probs", layer)
}

// view says which part of an attention is shown: the row of one query, the column of one key, or the mean over queries.
type view struct {
	kind string // query, key or mean
	at   int
}

func (v view) String() string { return v.kind + strconv.Itoa(v.at) }

// errEnough ends a trace whose last tap has been seen.
var errEnough = errors.New("everything that was asked for has been seen")

// enough is err, unless the trace was ended on purpose.
func enough(err error) error {
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// attention is a view of layers of a tower, each (heads, rows), from the cache or else from a run of the model. With cached
// the model does not run; the result is nil if it would have to.
func (s *Studio) attention(ctx context.Context, r *run, t tower, layers []int, v view, cached bool) ([][]float32, error) {
	if out := s.remembered(r, t, layers, v); out != nil || cached {
		return out, nil
	}
	back, err := s.take(ctx)
	if err != nil {
		return nil, err
	}
	defer back()
	if out := s.remembered(r, t, layers, v); out != nil { // somebody else had it computed in the meantime
		return out, nil
	}
	return s.look(ctx, r, t, layers, v)
}

func matrixKey(r *run, t tower, layer int) string {
	return runKey(r.id) + string(t) + "/" + strconv.Itoa(layer)
}

func viewKey(r *run, t tower, layer int, v view) string {
	return matrixKey(r, t, layer) + "/" + v.String()
}

// remembered is the view from the cache, made of whole layers or of earlier views; nil: a layer is missing.
func (s *Studio) remembered(r *run, t tower, layers []int, v view) [][]float32 {
	var out [][]float32
	n := r.rows(t)
	for _, layer := range layers {
		x := viewer(s.cache.get(viewKey(r, t, layer, v)))
		if whole := s.cache.get(matrixKey(r, t, layer)); x == nil && whole != nil {
			x = newViewer(t.heads(r.model), n)
			for row := range len(whole) / n {
				x.add(v, row/n, row%n, whole[row*n:][:n])
			}
		}
		if x == nil {
			return nil
		}
		out = append(out, x)
	}
	return out
}

// viewer collects a view, (heads, rows), from the rows of an attention.
type viewer []float32

func newViewer(heads, rows int) viewer { return make(viewer, heads*rows) }

// add takes the row of a query, as long as there are rows.
func (x viewer) add(v view, head, query int, row []float32) {
	out := x[head*len(row):][:len(row)]
	switch v.kind {
	case "query":
		if query == v.at {
			copy(out, row)
		}
	case "key":
		out[query] = row[v.at]
	case "mean":
		for i, p := range row {
			out[i] += p / float32(len(row))
		}
	}
}

// look runs the model once for the view. The attention of all layers of the tower is cached if it is small, else that of
// the layers asked for, if that is small.
func (s *Studio) look(ctx context.Context, r *run, t tower, layers []int, v view) ([][]float32, error) {
	n, heads := r.rows(t), t.heads(r.model)
	size := 4 * int64(heads) * int64(n) * int64(n)
	all := upTo(t.layers(r.model))
	tapped, keep := layers, size*int64(len(layers)) <= s.o.MaxCache/2
	if size*int64(len(all)) <= s.o.MaxCache/2 {
		tapped, keep = all, true
	}
	views, whole := map[int]viewer{}, map[int][]float32{}
	for _, layer := range tapped {
		views[layer] = newViewer(heads, n)
		if keep {
			whole[layer] = make([]float32, heads*n*n)
		}
	}
	err := r.eachRow(ctx, t, tapped, func(layer, head, query int, row []float32) {
		views[layer].add(v, head, query, row)
		if keep {
			copy(whole[layer][(head*n+query)*n:], row)
		}
	})
	if err != nil {
		return nil, err
	}
	var out [][]float32
	for _, layer := range tapped {
		s.cache.put(viewKey(r, t, layer, v), views[layer])
		if keep {
			s.cache.put(matrixKey(r, t, layer), whole[layer])
		}
	}
	for _, layer := range layers {
		out = append(out, views[layer])
	}
	return out, nil
}

// eachRow runs the model and calls f with every row of the attention of some layers of a tower, as long as the tower has rows.
// The row is lent for the call.
func (r *run) eachRow(ctx context.Context, t tower, layers []int, f func(layer, head, query int, row []float32)) error {
	layerOf := map[string]int{}
	o := loupe.TraceOptions{Interventions: interventions(r.edits), Generation: r.ask.generation()}
	for _, layer := range layers {
		o.Taps = append(o.Taps, t.probs(layer))
		layerOf[t.probs(layer)] = layer
	}
	if t == decoder {
		o.Steps = r.read()
	}
	raster := r.raster(t)
	n := r.rows(t)
	row := make([]float32, n)
	all := len(layers) * (1 + o.Steps)
	left, job := all, jobOf(ctx)
	o.Parts = func(p loupe.Part) error {
		name := p.Name
		if strings.HasPrefix(name, stepsPrefix) {
			_, name, _ = strings.Cut(name, "/")
		}
		queries, keys := p.Shape[1], p.Shape[2]
		first := keys - queries // those before were read in earlier steps
		for from := 0; from < len(p.Data); from += keys {
			i := (p.At + from) / keys
			clear(row)
			for k, v := range p.Data[from:][:keys] {
				row[at(raster, k)] = v
			}
			f(layerOf[name], i/queries, at(raster, first+i%queries), row)
		}
		if p.At+len(p.Data) == p.Shape[0]*queries*keys {
			left--
			job.progressed(all-left, all)
		}
		if left == 0 {
			return errEnough
		}
		return nil
	}
	_, err := r.model.Trace(ctx, r.prompt, o)
	return enough(err)
}

// raster maps rows of the vision tower, which come in merge blocks, to raster order; nil leaves rows as they are.
func (r *run) raster(t tower) []int {
	if t != vision {
		return nil
	}
	g := r.prompt.Images.Grids[0]
	var out []int
	for _, p := range vit.PatchOrder(g, r.model.Config.Vision.SpatialMergeSize) {
		out = append(out, p.Row*g[2]+p.Col)
	}
	return out
}

func at(raster []int, i int) int {
	if raster == nil {
		return i
	}
	return raster[i]
}

func upTo(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}
