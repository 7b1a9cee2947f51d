package loupe

import (
	"strings"

	"github.com/loupe-vl/loupe/kernels/tensor"
)

// Tap is what passed through a tap point: Data is row-major of Shape, (rows, columns) or (heads, queries, keys).
type Tap struct {
	Name  string
	Shape []int
	Data  []float32
}

// Part is a piece of a tap: elements [At, At+len(Data)) of a tensor of Shape, row-major.
type Part struct {
	Name  string
	Shape []int
	At    int
	Data  []float32
}

// hooks implements tensor.Hooks for one request: it serves the taps and interventions, and knows in which pass of the
// model the request is. It is used by one run at a time.
type hooks struct {
	taps  []*pattern
	see   func(Tap)
	part  func(Part) // takes taps in parts, in place of see; nil: see takes them
	edits []*pattern
	made  []Intervention // made[i] belongs to edits[i]
	// scored, where it is set, is told of the score as soon as it is known.
	scored func(s *Score, rows []Tap) error
	// steps is how many generated tokens will be read.
	steps int
	// prefix goes before every name: "steps.1/" in the pass of the first generated token.
	prefix string
	// bothPasses is set where the request has images and videos.
	bothPasses bool
	// shown are the names of the prompt's taps, and graded those whose gradients were shown too.
	shown  []string
	graded map[string]bool
	// digests, where they are set, take what blocks put out.
	digests *BlockDigests
	// list is told of every point in a dry run.
	list func(at tensor.Point, shape []int)
}

// pattern is a tap name, or the form of several: see compileGlob.
type pattern struct {
	glob string
	has  func(name string) bool
	err  error // why the pattern cannot be read
}

// The vision tower runs over the images of a request, and again over its videos. A name that ends in imagesSuffix or
// videosSuffix is of one pass, a plain one of both. Where there are both, taps of the first have that suffix in their names:
// the reference runs the tower twice too and its hooks keep the second pass, so that this one has the plain names. Attention
// taps are numbered through both.
const (
	imagesSuffix = "@images"
	videosSuffix = "@videos"
)

func newHooks(taps []string, see func(Tap), edits []Intervention) *hooks {
	p := &hooks{see: see, made: edits}
	for _, t := range taps {
		p.taps = append(p.taps, newPattern(t))
	}
	for _, e := range edits {
		p.edits = append(p.edits, newPattern(e.Tap))
	}
	return p
}

func newPattern(glob string) *pattern {
	p := &pattern{glob: glob}
	if p.has, p.err = compileGlob(glob); p.err != nil {
		p.has = func(string) bool { return false }
	}
	return p
}

// looking reports whether the user taps or changes anything.
func (p *hooks) looking() bool { return p != nil && (len(p.taps) > 0 || len(p.edits) > 0 || p.dry()) }

// edited reports whether the user changes anything.
func (p *hooks) edited() bool { return p != nil && len(p.edits) > 0 }

// inParts reports whether the tap of that name may be computed in parts: whoever sees it takes parts, and nobody changes it.
func (p *hooks) inParts(name string) bool {
	if p == nil || p.part == nil {
		return false
	}
	for _, e := range p.edits {
		if e.has(name) {
			return false
		}
	}
	return true
}

// dry reports whether only the points are to be listed.
func (p *hooks) dry() bool { return p != nil && p.list != nil }

func (p *hooks) name(at tensor.Point) string {
	name := at.String()
	if p.bothPasses && at.Pass == imagesSuffix && at.Index < 0 && strings.HasPrefix(name, "visual.") {
		name += at.Pass
	}
	return p.prefix + name
}

// Edits implements tensor.Hooks.
func (p *hooks) Edits(at tensor.Point) []tensor.Edit {
	var out []tensor.Edit
	for i, e := range p.edits {
		if e.matches(p.name(at), at) {
			out = append(out, p.made[i].edit(at))
		}
	}
	return out
}

// Wants implements tensor.Hooks.
func (p *hooks) Wants(at tensor.Point, shape []int) bool {
	if p.list != nil {
		p.list(at, shape)
	}
	name := p.name(at)
	return p.digests.wants(at, name) || p.tapped(name, at)
}

func (p *hooks) tapped(name string, at tensor.Point) bool {
	for _, t := range p.taps {
		if t.matches(name, at) {
			return true
		}
	}
	return false
}

// See implements tensor.Hooks.
func (p *hooks) See(at tensor.Point, shape []int, data []float32) {
	tap := Tap{Name: p.name(at), Shape: shape, Data: data}
	if p.digests.wants(at, tap.Name) {
		p.digests.see(tap.Name, data)
	}
	if p.tapped(tap.Name, at) {
		p.show(tap.Name)
		p.see(tap)
	}
}

// partHooks are hooks that take taps in parts.
type partHooks struct{ *hooks }

// SeePart implements tensor.PartHooks.
func (p partHooks) SeePart(at tensor.Point, shape []int, first int, data []float32) {
	if name := p.name(at); p.digests.wants(at, name) {
		p.digests.see(name, data)
	}
	if name := p.name(at); p.tapped(name, at) {
		if first == 0 {
			p.show(name)
		}
		p.part(Part{name, shape, first, data})
	}
}

// show remembers a tap of the prompt.
func (p *hooks) show(name string) {
	if p.prefix == "" {
		p.shown = append(p.shown, name)
	}
}

// matches reports whether a point is meant: by its name in this pass and step, by its plain name, by the plain name and the
// pass of the vision tower, and by each of these without the number of the image: "attn.scores" means the scores of every
// image.
func (p *pattern) matches(name string, at tensor.Point) bool {
	if p.has(name) {
		return true
	}
	for {
		plain := at.String()
		if p.has(plain) || at.Pass != "" && strings.HasPrefix(plain, "visual.") && p.has(plain+at.Pass) {
			return true
		}
		if at.Index < 0 {
			return false
		}
		at.Index = -1
	}
}
