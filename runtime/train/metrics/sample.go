package metrics

import "slices"

// sample is the pairs, or a resample, in the forms that the statistics need.
type sample struct {
	truth, predicted column
	trainMean        *float64
}

// column is one side of the pairs.
type column struct {
	value []float64
	class []float64 // value, rounded to kappa's step
	rank  []float64 // 1 to n, ties share their mean
	code  []int     // the place of value among the distinct values of the whole data, ascending
	count []int     // scratch of ranks, one a code
}

// newColumn prepares the scores of the whole data.
func newColumn(values []float64, step float64) column {
	distinct := slices.Clone(values)
	slices.Sort(distinct)
	distinct = slices.Compact(distinct)
	c := blank(len(values), len(distinct))
	copy(c.value, values)
	for i, v := range values {
		c.class[i] = classOf(v, step)
		c.code[i], _ = slices.BinarySearch(distinct, v)
	}
	c.ranks()
	return c
}

// blank is a column of n scores to be filled.
func blank(n, codes int) column {
	return column{make([]float64, n), make([]float64, n), make([]float64, n), make([]int, n), make([]int, codes)}
}

// draw fills c with the scores of another column at index.
func (c *column) draw(from column, index []int) {
	c.resize(len(index))
	for i, j := range index {
		c.value[i], c.class[i], c.code[i] = from.value[j], from.class[j], from.code[j]
	}
	c.ranks()
}

// ranks sets rank from code by counting, without a sort for each resample. The count scores of one code, with below scores
// before them, have the ranks below+1 to below+count, and each takes their mean.
func (c *column) ranks() {
	clear(c.count)
	for _, k := range c.code {
		c.count[k]++
	}
	below := make([]float64, len(c.count))
	sum := 0
	for k, n := range c.count {
		below[k] = float64(sum) + float64(n+1)/2
		sum += n
	}
	for i, k := range c.code {
		c.rank[i] = below[k]
	}
}

// resize makes room for n scores. Resamples differ in length if pictures differ in their number of pairs.
func (c *column) resize(n int) {
	c.value, c.class, c.rank = slices.Grow(c.value[:0], n)[:n], slices.Grow(c.class[:0], n)[:n], slices.Grow(c.rank[:0], n)[:n]
	c.code = slices.Grow(c.code[:0], n)[:n]
}
