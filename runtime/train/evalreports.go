package train

import (
	"context"
	"fmt"

	"github.com/loupe-vl/loupe/runtime/train/metrics"
)

// pictures are those of some of the records.
func (e *Evaluation) pictures(numbers []int) *Pictures {
	shown := make([][]digest, len(numbers))
	for at, i := range numbers {
		shown[at] = e.shown[i]
	}
	return groupedBy(shown)
}

// reports computes the statistics of each target over the records that have a prediction. A record's value is compared with
// the head's target of the same name. Several ratings of one picture become their mean, unless each is to count. Bootstrap
// samples are of pictures in both cases.
func (e *Evaluation) reports(ctx context.Context, records []Record, lines []Prediction, o EvalOptions) error {
	var numbers []int
	var judged []Record
	for i := range lines {
		if lines[i].Outputs != nil {
			numbers, judged = append(numbers, i), append(judged, records[i])
		}
	}
	if len(numbers) == 0 {
		return nil
	}
	p := e.pictures(numbers)
	var err error
	if e.Raters, err = agreement(ctx, judged, p, o.Options); err != nil {
		return err
	}
	ratings := asked(judged, p)
	if o.Raters == RatersEach && len(ratings) == len(judged) {
		e.Notes = append(e.Notes, "train.EvalOptions.Raters changes nothing: no picture that is asked one question has several records")
	}
	for _, target := range targetNames(judged) {
		pairs, group := e.pairs(target, judged, lines, numbers, ratings, p, o.Raters == RatersEach)
		if len(pairs.Truth) == 0 {
			continue
		}
		within := o.Options
		within.Group = group
		if within.Step == 0 { // that of the ratings: their means lie between the steps
			within.Step = metrics.Step(valuesOf(judged, target))
		}
		report, err := metrics.Evaluate(ctx, pairs, within)
		if err != nil {
			return fmt.Errorf("target %s: %w", target, err)
		}
		if target == scoreName {
			e.Report, e.Pairs = &report, pairs
			continue
		}
		if e.Targets == nil {
			e.Targets = map[string]metrics.Report{}
		}
		e.Targets[target] = report
	}
	return nil
}

// pairs are the true and the predicted values of a target, with the number of each pair's picture.
func (e *Evaluation) pairs(target string, judged []Record, lines []Prediction, numbers []int, ratings []*ratings, p *Pictures, each bool) (pairs metrics.Pairs, group []int) {
	number := map[int]int{}
	add := func(i int, truth float64) {
		said, ok := lines[numbers[i]].Outputs[target]
		if !ok {
			return
		}
		n, known := number[p.Of[i]]
		if !known {
			n = len(number)
			number[p.Of[i]] = n
		}
		pairs.Truth, pairs.Predicted, group = append(pairs.Truth, truth), append(pairs.Predicted, said), append(group, n)
	}
	for _, asks := range ratings {
		mean, n := 0.0, 0.0
		for _, i := range asks.records {
			v, ok := judged[i].value(target)
			switch {
			case !ok:
			case each:
				add(i, v)
			default:
				n++
				mean += (v - mean) / n
			}
		}
		if n > 0 {
			add(asks.records[0], mean)
		}
	}
	return pairs, group
}
