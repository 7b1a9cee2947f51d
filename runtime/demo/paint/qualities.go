package paint

import "math"

// Dimensions are what the rubric asks about, each 1 to 100 in steps of a tenth.
type Dimensions struct {
	Originality float64 `json:"originality"`
	Color       float64 `json:"color"`
	Texture     float64 `json:"texture"`
	Composition float64 `json:"composition"`
	Content     float64 `json:"content"`
}

// DimensionNames are the dimensions in the order of [Dimensions.Values].
var DimensionNames = [5]string{"originality", "color", "texture", "composition", "content"}

// Weights are the rubric's, in the order of DimensionNames. They sum to 1.
var Weights = [5]float64{0.20, 0.20, 0.15, 0.20, 0.25}

// RaterError is the standard deviation of the error with which a picture is rated, in points.
const RaterError = 1.5

// Values are the dimensions in the order of DimensionNames.
func (d Dimensions) Values() [5]float64 {
	return [5]float64{d.Originality, d.Color, d.Texture, d.Composition, d.Content}
}

// Rubric is the score that the dimensions are worth, before the rater's error and before rounding.
func Rubric(d Dimensions) float64 {
	sum := 0.0
	for i, v := range d.Values() {
		sum += mul(Weights[i], v)
	}
	return sum
}

// levels are the words for a fifth of the range each, from the lowest.
var levels = [5]string{"weak", "plain", "sound", "strong", "brilliant"}

// Level is the word for a dimension's value: weak up to 20, plain up to 40, sound up to 60, strong up to 80, brilliant.
func Level(value float64) string { return levels[levelOf(value)] }

func levelOf(value float64) int { return int(clamp(math.Ceil(value/20)-1, 0, 4)) }

// tenth rounds to a tenth within 1..100.
func tenth(x float64) float64 { return math.Floor(mul(clamp(x, 1, 100), 10)+0.5) / 10 }

// gather moves a value of 0..100 toward the middle of its level: the ends of the levels stay where they are, and near them
// values are a quarter as dense as they were.
func gather(x float64) float64 {
	level := clamp(math.Floor(x/20), 0, 4)
	middle := mul(level, 20) + 10
	t := (x - middle) / 10
	t2 := mul(t, t)
	return middle + mul(10, mul(t, 0.2+mul(0.8, mul(t2, t2))))
}

// drawDimensions draws the qualities of a picture. A common part makes good pictures good in more than one way, which
// spreads the scores; most of each dimension is its own.
func drawDimensions(r stream) Dimensions {
	common := r.unit() - 0.5
	draw := func() float64 {
		own := r.unit() - 0.5
		return tenth(gather(clamp(50+mul(42, common)+mul(92, own), 0, 100)))
	}
	return Dimensions{Originality: draw(), Color: draw(), Texture: draw(), Composition: draw(), Content: draw()}
}

// drawGoodDimensions draws those of a picture that is strong or brilliant in every way.
func drawGoodDimensions(r stream) Dimensions {
	draw := func() float64 { return tenth(gather(r.between(66, 98))) }
	return Dimensions{Originality: draw(), Color: draw(), Texture: draw(), Composition: draw(), Content: draw()}
}
