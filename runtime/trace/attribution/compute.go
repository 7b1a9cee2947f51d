package attribution

import (
	"context"
	"fmt"
	"slices"
	"strings"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/weights"
)

// Method is a way to make a map.
type Method string

// The methods. Their functions' comments name the papers.
const (
	Raw          Method = "raw"          // attention of chosen layers and heads
	Relative     Method = "relative"     // attention for the question, over attention for a generic one
	Rollout      Method = "rollout"      // attention through all layers
	Relevance    Method = "relevance"    // attention times gradient through all layers of both towers
	GradCAM      Method = "gradcam"      // activations of a block of the vision tower, weighted by their gradient
	Integrated   Method = "integrated"   // gradients with respect to pixels along a path
	Occlusion    Method = "occlusion"    // what is lost when a part is covered
	Contribution Method = "contribution" // the parts of a linear score head's sum
)

// method is how a method is computed, and its line of help.
type method struct {
	name    Method
	compute func(context.Context, *loupe.Model, *loupe.Prompt, Options) (*Map, error)
	help    string
	explain bool // it explains a target
	signed  bool // values below 0 are as good as those above it
}

var methods = []method{
	{Raw, raw, "attention from a token to the picture, or with attribution.Options.Tower among patches", false, false},
	{Relative, relative, "attention for the question over attention for a generic one", false, false},
	{Rollout, rollout, "attention through all layers", false, false},
	{Relevance, relevance, "attention times gradient through all layers of both towers", true, false},
	{GradCAM, gradCAM, "activations of a vision block weighed by their gradient", true, false},
	{Integrated, integrated, "gradients of pixels along a path from a baseline", true, true},
	{Occlusion, occlusion, "what is lost when a part is covered", true, true},
	{Contribution, contribution, "the parts of a linear score head's sum; they add up to the score", true, true},
}

// Methods are the names of all methods.
func Methods() []Method {
	var names []Method
	for _, m := range methods {
		names = append(names, m.name)
	}
	return names
}

// Help is a line about a method; "": there is none of that name.
func Help(name Method) string {
	for _, m := range methods {
		if m.name == name {
			return m.help
		}
	}
	return ""
}

// Explains reports whether a method explains a target, which is a score or a logit. The others show attention alone.
func Explains(name Method) bool {
	return slices.ContainsFunc(methods, func(m method) bool { return m.name == name && m.explain })
}

// Signed reports whether a method's values are signed: those above 0 speak for the target, and those below 0 against it.
func Signed(name Method) bool {
	return slices.ContainsFunc(methods, func(m method) bool { return m.name == name && m.signed })
}

// Options of a method. The zero value works for each but Relative, which needs Generic.
type Options struct {
	// Target is what Relevance, GradCAM, Integrated, Occlusion and Contribution explain; the last takes scores only. nil: the
	// score where the model has a head, else the logit of the likeliest next token.
	Target *loupe.GradTarget
	// Query is the position in the prompt whose attention Raw, Relative and Rollout follow, below 0 from the end; nil: the
	// last.
	Query *int
	// Layers and Heads are those that Raw and Relative average; GradCAM takes one layer, a block of the vision tower. nil:
	// all, and for GradCAM the last that the target depends on.
	Layers, Heads []int
	// Tower makes Raw and Rollout show attention within the vision tower: which patches the patches of the same frame
	// attend to.
	Tower bool
	// Patches are the rows of the vision tower whose attention Raw shows, in the order of the model; nil: all.
	Patches []int
	// Generic is the same pictures with a question that asks for nothing in particular: GenericQuestion.
	Generic *loupe.Prompt
	// Steps is the number of points of Integrated's path; 0: DefaultSteps.
	Steps int
	// Baseline is what Integrated starts from and Occlusion covers with; "": Mean.
	Baseline Baseline
	// Window is the side of Occlusion's window, in merged tokens; 0: 1. It moves by Stride; 0: 1.
	Window, Stride int
	// Progress, where it is set, is told after each pass of Integrated and Occlusion how many are done, and of how many.
	Progress func(done, of int)
}

// passed reports a pass to Progress.
func (o Options) passed(done, of int) {
	if o.Progress != nil {
		o.Progress(done, of)
	}
}

// Compute makes a map of the prompt's pictures by a method.
func Compute(ctx context.Context, m *loupe.Model, p *loupe.Prompt, name Method, o Options) (of *Map, err error) {
	defer weights.CatchFaults(&err)()
	i := slices.IndexFunc(methods, func(x method) bool { return x.name == name })
	if i < 0 {
		return nil, fmt.Errorf("the method %q is unknown; %s are known", name, joined(Methods()))
	}
	if err := needPictures(p); err != nil {
		return nil, err
	}
	if methods[i].explain {
		target, err := Resolve(ctx, m, p, o.Target)
		if err != nil {
			return nil, err
		}
		o.Target = &target
	}
	out, err := methods[i].compute(ctx, m, p, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := out.finite(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	out.Method = name
	if out.Note = noteOn(m, p, out, o); name == Relative && slices.Equal(p.IDs, o.Generic.IDs) {
		out.Note = "the generic question is the prompt's own, so that every value is 1"
	}
	if o.Target != nil && methods[i].explain {
		out.Target = targetName(*o.Target)
	}
	return out, nil
}

func joined(names []Method) string {
	var out []string
	for _, n := range names {
		out = append(out, string(n))
	}
	return strings.Join(out, ", ")
}

// query is the checked position of Query in the prompt.
func (o Options) query(p *loupe.Prompt) (int, error) {
	n := len(p.IDs)
	if o.Query == nil {
		return n - 1, nil
	}
	if *o.Query < -n || *o.Query >= n {
		return 0, fmt.Errorf("query %d: the prompt has %d tokens, numbered from 0, or from -1 at its end", *o.Query, n)
	}
	return (*o.Query + n) % n, nil
}

// only is n weights: 1 at a position and 0 elsewhere.
func only(at, n int) []float64 {
	r := make([]float64, n)
	r[at] = 1
	return r
}
