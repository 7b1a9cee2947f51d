package loupe

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/loupe-vl/loupe/decoder"
	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/cpu"
	"github.com/loupe-vl/loupe/kernels/meta"
	"github.com/loupe-vl/loupe/kernels/tensor"
	"github.com/loupe-vl/loupe/vit"
	"github.com/loupe-vl/loupe/weights"
	"github.com/loupe-vl/loupe/weights/option"
)

// What a model takes of devices with memory of their own is computed before anything is allocated: the model is loaded and run once on dry
// devices, which count, for the request that is planned for.

// spareOnDevice is memory of a device that a plan leaves alone, for what the driver takes for itself while it runs: kernels that are loaded
// when they are first used, graphs. Tests make it smaller.
var spareOnDevice = int64(64 << 20)

// plannedPatches is how large a picture is planned for where the options do not say: one of 896 x 896 pixels.
const plannedPatches = 64 * 64

// planner finds how many layers fit.
type planner struct {
	m       *Model
	devices []kernels.Device // the first len(free) are Limited
	free    []int64          // bytes of each
	layers  int
	tied    bool

	source  func() weights.Source
	convert weights.Converter
	more    int64              // beside the model: what an adapter may take
	needs   map[string][]int64 // what was found so far, by how layers are shared out
}

// plan says how many layers each device takes. asked is how many they are to take together; nil: as many as fit.
func (m *Model) plan(devices []kernels.Device, asked *int) ([]int, error) {
	p := &planner{m: m, devices: devices, layers: m.Config.Text.NumHiddenLayers, tied: m.Config.Text.TieWordEmbeddings, more: m.adapterBytes()}
	for _, d := range devices {
		limited, is := d.(kernels.Limited)
		if !is { // nothing is known of its memory
			n := p.layers
			if asked != nil {
				n = *asked
			}
			return even(n, len(devices)), nil
		}
		free, _, err := limited.FreeMemory()
		if err != nil {
			return nil, err
		}
		p.free = append(p.free, free)
	}
	p.weightsOf(m.options.Precision)
	if asked != nil {
		share, fits, err := p.share(*asked)
		if err != nil || fits {
			return share, err
		}
		return nil, p.refuse(*asked, share)
	}
	var found []int
	for lo, hi := 0, p.layers; lo <= hi; { // what fits fits with fewer layers, too
		n := (lo + hi + 1) / 2
		if found == nil && hi == p.layers {
			n = p.layers // most often all do
		}
		share, fits, err := p.share(n)
		switch {
		case err != nil:
			return nil, err
		case fits:
			found, lo = share, n+1
		default:
			hi = n - 1
		}
	}
	if found == nil {
		return nil, p.refuse(0, even(0, len(devices)))
	}
	return found, nil
}

// weightsOf makes the plan one for weights of a precision.
func (p *planner) weightsOf(precision string) {
	p.needs = map[string][]int64{}
	if p.m.checkpoint == nil {
		source := new(randomSource)
		p.source, p.convert = func() weights.Source { return source }, source.converter(nil, precision)
		return
	}
	p.source, p.convert = func() weights.Source { return p.m.checkpoint }, nil
	if usual := converter(nil, precision); usual != nil && p.m.checkpoint.Precision() == "" {
		p.convert = shapesOnly(usual, precision)
	}
}

// shapesOnly is a converter that makes no numbers: what it gives has the layout and the shape of what a precision makes of a weight.
func shapesOnly(usual weights.Converter, precision string) weights.Converter {
	return func(name string, w kernels.Matrix) (kernels.Matrix, bool, error) {
		if how := (QuantizeOptions{Precision: precision, Group: DefaultGroup(precision)}).quantizing(name); how.Bits != 0 {
			return kernels.Matrix{Layout: &kernels.RandomWeights{As: how.Packed(w.Rows, w.Cols)}, Rows: w.Rows, Cols: w.Cols}, false, nil
		}
		of := w.Layout
		if as, _, err := usual(name, kernels.Matrix{Layout: kernels.BF16}); err == nil && as.Layout != kernels.BF16 {
			of = as.Layout
		}
		if of == w.Layout {
			return w, false, nil
		}
		return kernels.Matrix{Layout: &kernels.RandomWeights{As: of}, Rows: w.Rows, Cols: w.Cols, Stride: w.Cols}, false, nil
	}
}

// share shares n layers out among the devices, each filled to about the same part of what it has free, and reports whether all fits.
func (p *planner) share(n int) (share []int, fits bool, err error) {
	share = even(n, len(p.devices))
	if len(p.devices) > 1 && p.layers > 1 {
		if share, err = p.balanced(n); err != nil {
			return nil, false, err
		}
	}
	for moved := 0; ; moved++ {
		need, err := p.need(share)
		if err != nil {
			return nil, false, err
		}
		full, room := -1, 0
		for d := range p.free {
			if need[d] > p.free[d] {
				full = d
			}
			if p.free[d]-need[d] > p.free[room]-need[room] {
				room = d
			}
		}
		if full < 0 {
			return share, true, nil
		}
		if moved == n || share[full] == 0 || need[room] > p.free[room] {
			return share, false, nil
		}
		share = slices.Clone(share)
		share[full]--
		share[room]++
	}
}

// balanced shares n layers out so that each device is filled to about the same part.
func (p *planner) balanced(n int) ([]int, error) {
	one, two := make([]int, len(p.devices)), make([]int, len(p.devices))
	one[0], two[0] = 1, 2
	with1, err := p.need(one)
	if err != nil {
		return nil, err
	}
	with2, err := p.need(two)
	if err != nil {
		return nil, err
	}
	layer := with2[0] - with1[0]
	base := make([]int64, len(p.devices))
	base[0] = with1[0] - layer
	for d := 1; d < len(base); d++ {
		on := make([]int, len(p.devices))
		on[d] = 1
		need, err := p.need(on)
		if err != nil {
			return nil, err
		}
		base[d] = need[d] - layer
	}
	if n == p.layers { // the ends of the decoder lie on devices, too
		share := even(n, len(p.devices))
		all, err := p.need(share)
		if err != nil {
			return nil, err
		}
		for d, k := range share {
			base[d] = all[d] - int64(k)*layer
		}
	}
	share := make([]int, len(p.devices))
	for range n { // each layer goes where it leaves the most room
		best, least := 0, 0.0
		for d := range share {
			filled := float64(base[d]+int64(share[d]+1)*layer) / float64(max(p.free[d], 1))
			if d == 0 || filled < least {
				best, least = d, filled
			}
		}
		share[best]++
	}
	return share, nil
}

// need is how many bytes each device needs where the first layers are shared out like this.
func (p *planner) need(share []int) ([]int64, error) {
	if known := p.needs[fmt.Sprint(share)]; known != nil {
		return known, nil
	}
	on := mapLayers(p.devices, share, p.layers, p.tied, func() kernels.Device { return cpu.New(nil) })
	dry := make([]kernels.Device, len(on.Devices))
	for i, d := range on.Devices {
		if limited, is := d.(kernels.Limited); is {
			dry[i] = limited.Dry()
		} else {
			dry[i] = meta.Device{Host: true, Number: i}
		}
	}
	on = on.With(dry)
	if err := p.run(on); err != nil {
		return nil, err
	}
	need, i := make([]int64, len(p.devices)), 0
	for d := range p.devices {
		if d > 0 && share[d] == 0 { // mapLayers leaves it out
			continue
		}
		need[d] = dry[i].(kernels.DryDevice).PeakMemory() + p.more + spareOnDevice
		i++
	}
	p.needs[fmt.Sprint(share)] = need
	return need, nil
}

// run loads the model on dry devices, and runs what is planned for: a picture, a prompt in chunks, a step after it.
func (p *planner) run(on *weights.DeviceMap) error {
	m := p.m
	tower, dec, err := assemble(p.source(), on, m.Config, p.convert)
	if err != nil {
		return err
	}
	arena := new(tensor.Arena)
	begin := func() *tensor.Run {
		arena.Reset()
		r := tensor.NewRun(context.Background(), on.First(), arena, nil)
		r.Spread(on.Devices)
		return r
	}
	r := begin()
	grid := m.plannedGrid()
	r.At(on.Tower)
	tower.Forward(r, r.New(vit.Patches([]vit.Grid{grid}), m.Config.Vision.PatchDim()), []vit.Grid{grid}, nil, nil)
	if err := r.Err(); err != nil {
		return err
	}
	chunk := m.options.PrefillChunk
	if chunk <= 0 {
		chunk = defaultChunk
	}
	cache := dec.NewCache()
	defer cache.Release()
	steps := []int{}
	for n := m.plannedTokens(); n > 0; n -= chunk {
		steps = append(steps, min(n, chunk))
	}
	for _, rows := range append(steps, 1) {
		var pos decoder.Positions
		for axis := range pos {
			pos[axis] = make([]int, rows)
		}
		r := begin()
		h := dec.Forward(r, dec.EmbedTokens(r, make([]int, rows), nil), pos, cache)
		dec.Logits(r, h.Slice(h.Rows-1, h.Rows))
		if err := r.Err(); err != nil {
			return err
		}
	}
	return nil
}

// plannedGrid is the picture that is planned for: as large as the options let it be, or plannedPatches.
func (m *Model) plannedGrid() vit.Grid {
	side := m.Config.Vision.PatchSize * m.Config.Vision.SpatialMergeSize
	blocks := plannedPatches / (m.Config.Vision.SpatialMergeSize * m.Config.Vision.SpatialMergeSize)
	if most := m.Processor.MaxPixels / (side * side); most < blocks || m.options.MaxPixels > 0 {
		blocks = max(most, 1)
	}
	rows := 1
	for (rows+1)*(rows+1) <= blocks {
		rows++
	}
	merge := m.Config.Vision.SpatialMergeSize
	return vit.Grid{1, rows * merge, blocks / rows * merge}
}

// plannedTokens is how many tokens keys and values are planned for: a chunk, and at least a page.
func (m *Model) plannedTokens() int {
	return min(max(m.options.PrefillChunk, defaultChunk, decoder.DefaultPageRows), m.Config.Text.MaxPositionEmbeddings)
}

// refuse says what is needed, what is free, and what would fit.
func (p *planner) refuse(n int, share []int) error {
	need, err := p.need(share)
	if err != nil {
		return err
	}
	var over []string
	for d := range p.free {
		if need[d] > p.free[d] {
			over = append(over, fmt.Sprintf("%s would need %s, and %s are free", p.m.deviceName(d), mib(need[d]), mib(p.free[d])))
		}
	}
	var want []string
	for fits := n - 1; fits >= 0 && arithmeticOf(p.m.options.Precision).Portable(); fits-- {
		_, ok, err := p.share(fits)
		if err != nil {
			return err
		}
		if ok {
			want = append(want, fmt.Sprintf("Options.DeviceLayers %d, which fits", fits))
			break
		}
	}
	if m := p.m; m.checkpoint == nil || m.checkpoint.Precision() == "" {
		for _, precision := range []string{"int8", "int4"} {
			other := *p
			if other.weightsOf(precision); precision == m.options.Precision {
				break
			}
			if _, ok, err := other.share(n); err == nil && ok {
				want = append(want, "Options.Precision "+precision)
				break
			}
		}
	}
	want = append(want, "a smaller Options.MaxPixels, or the CPU")
	layers := fmt.Sprintf("%d of the model's %d layers", n, p.layers)
	if n == 0 {
		layers = "the vision tower"
	}
	return &option.Error{Field: "Options.Device", Value: p.m.options.Device,
		Fault: fmt.Sprintf("%s, with a picture of %d patches and %d tokens, do not fit: %s", layers, vit.Patches([]vit.Grid{p.m.plannedGrid()}), p.m.plannedTokens(), strings.Join(over, "; ")),
		Want:  "take " + strings.Join(slices.Compact(want), ", or ")}
}

// mib says a number of bytes.
func mib(n int64) string {
	if n >= 10<<30 {
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}
