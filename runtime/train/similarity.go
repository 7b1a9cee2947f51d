package train

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/loupe-vl/loupe/runtime/train/metrics"
	"github.com/loupe-vl/loupe/runtime/train/sbert"
)

// Similarity is how close critiques come to what people wrote of the same pictures: the mean cosine similarity of their
// sentence embeddings. The control compares each critique with the reference of another picture. It measures how alike all
// critiques sound; only what exceeds it is about the picture.
type Similarity struct {
	Critiques int              `json:"critiques"`
	SBERT     metrics.Estimate `json:"sbert"`
	Shuffled  metrics.Estimate `json:"sbert_shuffled"`
}

// CompareCritiques compares each critique with its own reference and, in an order drawn from o.Seed, with another's. It
// also returns the cosine with each own reference.
func CompareCritiques(ctx context.Context, e *sbert.Encoder, references, critiques []string, o metrics.Options) (*Similarity, []float64, error) {
	n := len(critiques)
	if n == 0 || n != len(references) {
		return nil, nil, fmt.Errorf("%d critiques for %d references: give one of each a picture, and one picture at least", n, len(references))
	}
	vectors := make([][]float32, 2*n)
	for i, text := range slices.Concat(references, critiques) {
		var err error
		if vectors[i], err = e.Embed(ctx, text); err != nil {
			return nil, nil, err
		}
	}
	wanted, written := vectors[:n], vectors[n:]
	own, other := make([]float64, n), make([]float64, n)
	for i := range own {
		own[i] = sbert.Cosine(written[i], wanted[i])
	}
	l := &Similarity{Critiques: n, Shuffled: metrics.Estimate{Value: math.NaN(), Low: math.NaN(), High: math.NaN(), Reason: "one critique has no other's reference to be compared with"}}
	var err error
	if l.SBERT, err = metrics.MeanOf(ctx, own, o); err != nil {
		return nil, nil, err
	}
	group := o.Group
	if group == nil {
		for i := range n {
			group = append(group, i)
		}
	}
	order := metrics.DerangementOf(group, o.Seed)
	if n == 1 {
		return l, own, nil
	}
	if order == nil {
		l.Shuffled.Reason = "more than half of the critiques are of one picture: not each has another picture's reference"
		return l, own, nil
	}
	for i, j := range order {
		other[i] = sbert.Cosine(written[i], wanted[j])
	}
	l.Shuffled, err = metrics.MeanOf(ctx, other, o)
	return l, own, err
}

// ReadCritiques reads CSV whose header names the columns reference and critique: what people wrote, and what is compared
// with it. Other columns are ignored. Errors begin with name and say the line.
func ReadCritiques(r io.Reader, name string) (references, critiques []string, err error) {
	c, err := metrics.OpenTable(r)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	c.FieldsPerRecord = 0 // as many as the header
	header, err := c.Read()
	if errors.Is(err, io.EOF) {
		return nil, nil, fmt.Errorf("%s: it is empty", name)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: header: %w", name, err)
	}
	for i := range header {
		header[i] = strings.ToLower(strings.TrimSpace(header[i]))
	}
	from, to := slices.Index(header, "reference"), slices.Index(header, "critique")
	if from < 0 || to < 0 {
		return nil, nil, fmt.Errorf("%s: the header %q has no columns reference and critique: with train.EvalOptions.Encoder a CSV without pictures holds the texts to compare", name, header)
	}
	for {
		row, err := c.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", name, err)
		}
		line, _ := c.FieldPos(0)
		if strings.TrimSpace(row[from]) == "" || strings.TrimSpace(row[to]) == "" {
			return nil, nil, fmt.Errorf("%s: line %d: a text is empty: fill it in or remove the line", name, line)
		}
		references, critiques = append(references, row[from]), append(critiques, row[to])
	}
	if len(references) == 0 {
		return nil, nil, fmt.Errorf("%s: it holds no texts below its header", name)
	}
	return references, critiques, nil
}
