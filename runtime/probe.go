package loupe

import (
	"fmt"
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

// probe implements tensor.Probe for one request: it serves its taps and interventions, and knows in which pass of the
// model the request is. It is used by one run at a time.
type probe struct {
	taps  []*pattern
	see   func(Tap)
	part  func(Part) // takes taps in parts, in place of see; nil: see takes them
	edits []*pattern
	made  []Intervention // made[i] belongs to edits[i]
	// capture is a tap that the runtime itself reads: the input of the score head.
	capture  string
	captured []Tap
	passed   bool // whether a dry run came by that tap
	// steps is how many generated tokens will be read.
	steps int
	// prefix goes before every name: "steps.1/" in the pass of the first generated token.
	prefix string
	// list is told of every point in a dry run.
	list func(at tensor.Point, shape []int)
}

// pattern is a tap name in which * stands for any characters, and whether any point had that form.
type pattern struct {
	glob string
	hit  bool
}

// imagesSuffix is appended to the names of the vision tower's taps in the pass over the images of a request that has videos as
// well. The reference runs the tower twice too and its hooks keep the second pass, over the videos, so that pass has the
// plain names. Attention taps are numbered through both.
const imagesSuffix = "@images"

func newProbe(taps []string, see func(Tap), edits []Intervention) *probe {
	p := &probe{see: see, made: edits}
	for _, t := range taps {
		p.taps = append(p.taps, &pattern{glob: t})
	}
	for _, e := range edits {
		p.edits = append(p.edits, &pattern{glob: e.Tap})
	}
	return p
}

// looking reports whether the user taps or changes anything.
func (p *probe) looking() bool { return p != nil && (len(p.taps) > 0 || len(p.edits) > 0 || p.dry()) }

// inParts reports whether the tap of that name may be computed in parts: whoever sees it takes parts, and nobody changes it.
func (p *probe) inParts(name string) bool {
	if p == nil || p.part == nil {
		return false
	}
	for _, e := range p.edits {
		if match(e.glob, name) {
			return false
		}
	}
	return true
}

// dry reports whether only the points are to be listed.
func (p *probe) dry() bool { return p != nil && p.list != nil }

func (p *probe) name(at tensor.Point) string {
	name := at.String()
	if at.Index < 0 && strings.HasPrefix(name, "visual.") {
		name += at.Pass
	}
	return p.prefix + name
}

// Edits implements tensor.Probe.
func (p *probe) Edits(at tensor.Point) []tensor.Edit {
	var out []tensor.Edit
	for i, e := range p.edits {
		if e.matches(p.name(at)) || e.matchesPoint(at) {
			out = append(out, p.made[i].edit())
		}
	}
	return out
}

// Wants implements tensor.Probe.
func (p *probe) Wants(at tensor.Point, shape []int) bool {
	if p.list != nil {
		p.list(at, shape)
		p.passed = p.passed || at.String() == p.capture
	}
	return p.tapped(p.name(at), at) || at.String() == p.capture
}

func (p *probe) tapped(name string, at tensor.Point) bool {
	for _, t := range p.taps {
		if t.matches(name) || t.matchesPoint(at) {
			return true
		}
	}
	return false
}

// See implements tensor.Probe.
func (p *probe) See(at tensor.Point, shape []int, data []float32) {
	tap := Tap{Name: p.name(at), Shape: shape, Data: data}
	if at.String() == p.capture {
		p.captured = append(p.captured, tap)
	}
	if p.tapped(tap.Name, at) {
		p.see(tap)
	}
}

// partProbe is a probe that takes taps in parts.
type partProbe struct{ *probe }

// SeePart implements tensor.PartProbe.
func (p partProbe) SeePart(at tensor.Point, shape []int, first int, data []float32) {
	if at.String() == p.capture {
		if first == 0 {
			p.captured = append(p.captured, Tap{Name: p.name(at), Shape: shape})
		}
		last := &p.captured[len(p.captured)-1]
		last.Data = append(last.Data, data...)
	}
	if name := p.name(at); p.tapped(name, at) {
		p.part(Part{name, shape, first, data})
	}
}

// unmatched is an error that names a pattern which no tap point of the request has, and the nearest of names.
func (p *probe) unmatched(names []string) error {
	for _, t := range p.taps {
		if !t.hit {
			return fmt.Errorf("tap %q matches no tap point of this model and input%s; `loupe trace --list` prints them", t.glob, didYouMean(t.glob, names))
		}
	}
	for _, e := range p.edits {
		if !e.hit {
			return fmt.Errorf("intervention at %q matches no tap point of this model and input%s; `loupe trace --list` prints them", e.glob, didYouMean(e.glob, names))
		}
	}
	return nil
}

// matches reports whether name has the form of the pattern, and remembers it.
func (p *pattern) matches(name string) bool {
	ok := match(p.glob, name)
	p.hit = p.hit || ok
	return ok
}

// matchesPoint is matches of a point's plain name, and of its name without the number of the image: "attn.scores" means the
// scores of every image.
func (p *pattern) matchesPoint(at tensor.Point) bool {
	if p.matches(at.String()) {
		return true
	}
	if at.Index < 0 {
		return false
	}
	at.Index = -1
	return p.matches(at.String())
}

// match reports whether name has the form of glob, in which * stands for any characters, dots too.
func match(glob, name string) bool {
	first, rest, star := strings.Cut(glob, "*")
	if !star {
		return glob == name
	}
	if !strings.HasPrefix(name, first) {
		return false
	}
	name = name[len(first):]
	for {
		var part string
		part, rest, star = strings.Cut(rest, "*")
		if !star {
			return strings.HasSuffix(name, part)
		}
		i := strings.Index(name, part)
		if i < 0 {
			return false
		}
		name = name[i+len(part):]
	}
}
