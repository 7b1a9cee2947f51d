package audit

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/loupe-vl/loupe/runtime/train/metrics"
	"gonum.org/v1/gonum/stat"
)

// Stats are statistics of a log's decisions, from the log alone.
type Stats struct {
	Decisions int64 `json:"decisions"`
	Scored    int64 `json:"scored"`
	// Groups are the distributions of the first target: over all, by week (ISO 8601), by model and by adapter.
	Groups []Distribution `json:"groups"`
	// Reviews compare the model's scores with people's, over all and by reviewer: the metrics of eval, with the person's
	// score as the truth.
	Reviews []Agreement `json:"reviews,omitempty"`
	// Repeated is how many decisions had the inputs of an earlier one.
	Repeated int64 `json:"repeated"`
	// Differing are decisions with equal inputs and different results. There must be none: the arithmetic is repeatable to
	// the bit.
	Differing []Differing `json:"differing,omitempty"`
	// Unknown is the number of decisions whose texts were redacted, so that their inputs cannot be compared.
	Unknown int64 `json:"unknown,omitempty"`
}

// Distribution is the distribution of a group's scores.
type Distribution struct {
	By     string  `json:"by"` // "all", "week", "model", "adapter"
	Group  string  `json:"group"`
	N      int     `json:"n"`
	Mean   float64 `json:"mean"`
	Std    float64 `json:"std"` // of the sample; 0 for one score
	Min    float64 `json:"min"`
	Q25    float64 `json:"q25"`
	Median float64 `json:"median"`
	Q75    float64 `json:"q75"`
	Max    float64 `json:"max"`
}

// Agreement is how well the scores of one reviewer, or of all, agree with the model's.
type Agreement struct {
	Reviewer string         `json:"reviewer"` // "" for all
	N        int            `json:"n"`
	Bias     float64        `json:"bias"` // mean of the model's minus the person's score
	Report   metrics.Report `json:"report"`
}

// Differing are two decisions with equal inputs and different results.
type Differing struct {
	Entry   int64  `json:"entry"`
	Earlier int64  `json:"earlier"`
	What    string `json:"what"`
}

// counting collects what Stats needs, record by record.
type counting struct {
	a      *Archive
	stats  *Stats
	scores map[[2]string][]float64
	first  map[string]int64 // by inputs, the first decision
	result map[int64]string
	given  map[int64]map[string]float64 // by decision and target
	pairs  map[string]*metrics.Pairs    // by reviewer
}

// Stats reads the whole log.
func (a *Archive) Stats(ctx context.Context) (*Stats, error) {
	c := &counting{a, &Stats{}, map[[2]string][]float64{}, map[string]int64{}, map[int64]string{}, map[int64]map[string]float64{}, map[string]*metrics.Pairs{}}
	err := a.Records(ctx, func(r *Record) error {
		switch {
		case r.Decision != nil:
			return c.decision(r)
		case r.Review != nil:
			return c.review(r.Review)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for key, values := range c.scores {
		c.stats.Groups = append(c.stats.Groups, distribution(key[0], key[1], values))
	}
	order := map[string]int{"all": 0, "week": 1, "model": 2, "adapter": 3}
	slices.SortFunc(c.stats.Groups, func(a, b Distribution) int {
		if a.By != b.By {
			return order[a.By] - order[b.By]
		}
		return strings.Compare(a.Group, b.Group)
	})
	for who, p := range c.pairs {
		report, err := metrics.Evaluate(ctx, *p, metrics.Options{})
		if err != nil {
			return nil, fmt.Errorf("reviews by %q: %w", who, err)
		}
		g := Agreement{Reviewer: who, N: len(p.Truth), Report: report}
		for i := range p.Truth {
			g.Bias += (p.Predicted[i] - p.Truth[i]) / float64(len(p.Truth))
		}
		c.stats.Reviews = append(c.stats.Reviews, g)
	}
	slices.SortFunc(c.stats.Reviews, func(a, b Agreement) int { return strings.Compare(a.Reviewer, b.Reviewer) })
	return c.stats, nil
}

func (c *counting) decision(r *Record) error {
	d := r.Decision
	c.stats.Decisions++
	given := map[string]float64{}
	for i, s := range d.Scores {
		v, err := s.Clamped.Float()
		if err != nil {
			return fmt.Errorf("entry %d, score %s: %w", r.Sequence, s.Name, err)
		}
		given[s.Name] = v
		if i == 0 {
			given[""] = v
		}
	}
	if len(d.Scores) > 0 {
		at, err := time.Parse(time.RFC3339Nano, r.Logged)
		if err != nil {
			return fmt.Errorf("entry %d: it was logged at %q, which is no time", r.Sequence, r.Logged)
		}
		year, week := at.ISOWeek()
		c.stats.Scored++
		c.given[r.Sequence] = given
		groups := [][2]string{{"all", ""}, {"week", fmt.Sprintf("%d-W%02d", year, week)}, {"model", d.Model.Name + " " + string(d.Model.Weights[:12])}}
		if d.Adapter != nil {
			groups = append(groups, [2]string{"adapter", d.Adapter.Name + " " + string(d.Adapter.Weights[:12])})
		}
		for _, g := range groups {
			c.scores[g] = append(c.scores[g], given[""])
		}
	}
	return c.repeated(r)
}

// repeated compares a decision with the first one that had its inputs.
func (c *counting) repeated(r *Record) error {
	d := r.Decision
	asked, err := readJSON[asked](c.a.kept, d.Asked, true)
	if err != nil {
		c.stats.Unknown++
		return nil
	}
	inputs, err := canonical([]any{d.Model.Manifest, d.Adapter, d.Head, d.Arithmetic, d.Pixels, d.Patches, d.Frames, asked.IDs, d.Sampling, d.Answered != ""})
	if err != nil {
		return err
	}
	blocks, err := canonical([]any{d.Scores, d.Logits, d.Tokens, d.Finish, d.Blocks})
	if err != nil {
		return err
	}
	key, result := string(digestOf(inputs)), string(digestOf(blocks))
	earlier, again := c.first[key]
	if !again {
		c.first[key], c.result[r.Sequence] = r.Sequence, result
		return nil
	}
	c.stats.Repeated++
	if c.result[earlier] != result {
		c.stats.Differing = append(c.stats.Differing, Differing{r.Sequence, earlier, "the same model, pictures and words gave other results"})
	}
	return nil
}

func (c *counting) review(v *Review) error {
	given, ok := c.given[v.Entry][v.Target]
	if v.Score == nil || !ok {
		return nil
	}
	score, err := v.Score.Float()
	if err != nil {
		return fmt.Errorf("entry %d: %w", v.Sequence, err)
	}
	for _, who := range []string{"", v.By} {
		if c.pairs[who] == nil {
			c.pairs[who] = &metrics.Pairs{}
		}
		p := c.pairs[who]
		p.Truth, p.Predicted = append(p.Truth, score), append(p.Predicted, given)
	}
	return nil
}

func distribution(by, group string, values []float64) Distribution {
	v := slices.Sorted(slices.Values(values))
	d := Distribution{By: by, Group: group, N: len(v), Mean: stat.Mean(v, nil), Min: v[0], Max: v[len(v)-1]}
	if len(v) > 1 {
		d.Std = stat.StdDev(v, nil)
	}
	for p, to := range map[float64]*float64{0.25: &d.Q25, 0.5: &d.Median, 0.75: &d.Q75} {
		*to = stat.Quantile(p, stat.LinInterp, v, nil)
	}
	return d
}
