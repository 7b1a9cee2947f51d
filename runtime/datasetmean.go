package loupe

import (
	"context"
	"fmt"
	"strings"

	"github.com/loupe-vl/loupe/weights"
)

// Dataset is pictures to take means over.
type Dataset struct {
	Len int
	// Prompt is the conversation about picture i, which the model reads.
	Prompt func(i int) (*Prompt, error)
}

// FillMeans computes the means of those interventions that name a Dataset, and returns all of them, ready to be made. open finds
// the pictures of a name. The pictures of one name are run once, without any intervention, whatever number of interventions
// names them. done, where it is not nil, is told how many of how many pictures of a dataset are done.
//
// The mean of a tap is one row: over all rows of the tensor (patches, tokens, positions of the prompt) of all pictures, each row
// counting once, summed in float64. To set a part to its mean takes away what it says of this picture, and leaves it what it
// says of any: what is above it gets numbers of the kind that it knows, as it does not where the part is zeroed (mean ablation:
// Wang and others, arXiv 2211.00593; Zhang and Nanda, arXiv 2309.16042).
func FillMeans(ctx context.Context, m *Model, list []Intervention, open func(dataset string) (Dataset, error), done func(n, of int)) ([]Intervention, error) {
	taps := map[string][]string{}
	var names []string
	for _, iv := range list {
		if iv.Dataset == "" || iv.Means != nil {
			continue
		}
		if strings.HasPrefix(iv.Tap, "steps.") {
			return nil, fmt.Errorf("intervention at %q: a mean over pictures is of their prompts, and not of generated tokens; leave steps. away", iv.Tap)
		}
		if taps[iv.Dataset] == nil {
			names = append(names, iv.Dataset)
		}
		taps[iv.Dataset] = append(taps[iv.Dataset], iv.Tap)
	}
	means := map[string]map[string][]float32{}
	for _, name := range names {
		set, err := open(name)
		if err != nil {
			return nil, err
		}
		if means[name], err = m.datasetMeans(ctx, set, taps[name], done); err != nil {
			return nil, fmt.Errorf("the mean over %s: %w", name, err)
		}
	}
	out := append([]Intervention(nil), list...)
	for i, iv := range out {
		if iv.Dataset != "" && iv.Means == nil {
			out[i].Means = means[iv.Dataset]
		}
	}
	return out, nil
}

// datasetMeans is the mean row, over all rows of all pictures of a dataset, of each tap that matches one of the patterns, by the
// tap's name. Attention's scores and probabilities have none: a picture has as many keys as it has patches. The decoder runs
// only where a tap needs it.
func (m *Model) datasetMeans(ctx context.Context, set Dataset, taps []string, done func(n, of int)) (means map[string][]float32, err error) {
	defer weights.CatchFaults(&err)()
	sums := map[string]*rowSum{}
	for i := range set.Len {
		p, err := set.Prompt(i)
		if err != nil {
			return nil, err
		}
		if err := m.addRows(ctx, p, taps, sums); err != nil {
			return nil, fmt.Errorf("picture %d: %w", i+1, err)
		}
		if done != nil {
			done(i+1, set.Len)
		}
	}
	means = map[string][]float32{}
	for name, s := range sums {
		means[name] = s.mean()
	}
	return means, nil
}

// addRows runs a prompt and adds what passes at taps to the sums.
func (m *Model) addRows(ctx context.Context, p *Prompt, taps []string, sums map[string]*rowSum) error {
	shapes, err := Taps(taps...).Shapes(ctx, m, p)
	if err != nil {
		return err
	}
	tower := true // whether the vision tower is all that must run
	for _, t := range shapes {
		if len(t.Shape) != 2 {
			return fmt.Errorf("%s has a row for each query and a column for each key, of which pictures have different numbers: there is no mean over pictures; name a tap of rows, such as attn.heads or attn.out", t.Name)
		}
		tower = tower && (strings.HasPrefix(t.Name, "visual.") || strings.HasPrefix(t.Name, "pixel_values"))
	}
	add := func(t Tap) error {
		name := strings.TrimSuffix(strings.TrimSuffix(t.Name, imagesSuffix), videosSuffix)
		if sums[name] == nil {
			sums[name] = &rowSum{sum: make([]float64, t.Shape[1])}
		}
		sums[name].add(t.Data)
		return nil
	}
	if tower {
		_, err := m.encode(ctx, p, newHooks(taps, func(t Tap) { _ = add(t) }, nil), nil) // add does not fail
		return err
	}
	_, err = m.Trace(ctx, p, Taps(taps...), add)
	return err
}

// rowSum is the sum of rows, and how many they are.
type rowSum struct {
	sum  []float64
	rows int
}

func (s *rowSum) add(data []float32) {
	for i, v := range data {
		s.sum[i%len(s.sum)] += float64(v)
	}
	s.rows += len(data) / len(s.sum)
}

func (s *rowSum) mean() []float32 {
	out := make([]float32, len(s.sum))
	for i, v := range s.sum {
		out[i] = float32(v / float64(s.rows))
	}
	return out
}

// ScoreWith is Model.Score with interventions made while the model runs. One that matches nothing is an error, and so is one that the
// score cannot depend on, because the score head reads what comes before it.
func ScoreWith(ctx context.Context, m *Model, p *Prompt, list []Intervention) (s *Score, err error) {
	defer weights.CatchFaults(&err)()
	o := TraceOptions{Interventions: list}
	matched, err := m.checkTrace(ctx, p, o)
	if err != nil {
		return nil, err
	}
	if m.Head != nil && m.Head.Config.Input.FromTower() {
		for _, of := range matched {
			if len(of.Names) > 0 && !strings.HasPrefix(of.Names[0], "visual.") && !strings.HasPrefix(of.Names[0], "score_head") && !strings.HasPrefix(of.Names[0], "pixel_values") {
				return nil, fmt.Errorf("intervention at %q changes no score: the score head reads %s, which comes before it; leave it away", of.Pattern, m.Head.Config.Input.Tap())
			}
		}
	}
	s, _, err = m.scoreWith(ctx, p, newHooks(nil, nil, list))
	return s, o.blamed(err)
}
