package paint

import (
	"image"
	"math"
)

// A Painting is a picture and what is known about it.
type Painting struct {
	Pix           []byte // RGB, rows from the top, 3*Width*Height bytes
	Width, Height int    // 112 or 140 pixels each: multiples of 28, at most one of them 140
	Family        string // one of Families
	Params        Params
	Dimensions    Dimensions // the whole picture's, the flaw counted in
	Score         float64    // the rubric's with the rater's error: a whole number, 1 to 100
	Critique      string     // see ParseCritique
	Flaw          Flaw       // the quadrant that spoils the picture; None for four in five
}

// Params are what a picture was painted from. Each dimension sets its own and no other's.
type Params struct {
	Hue       float64 // of the palette's middle, radians in the plane of Cb and Cr; free
	HueSpread float64 // color: how far the hues lie from Hue, radians
	Uneven    float64 // color: how much the strengths differ, 0..1
	Clash     float64 // color: how far blotches turn the hue, radians
	Strokes   float64 // texture: how much strokes cover and how far they stand out, 0..1
	Grain     float64 // texture: the noise of each pixel, of the range of luma
	Weave     float64 // texture: how far the canvas shows, of the range of luma
	Tilt      float64 // composition: how far the scene is turned, radians
	Crowding  float64 // composition: how far things are pulled aside, 0..1
	Focus     [2]float64
	Corner    [2]float64 // composition: Focus is where the light would fall in a balanced picture, Corner where things are pulled to; fractions of width and height
	Groups    float64    // content: how many groups of things are shown, and onlookers, 0..4.5; a fraction is one that is coming in
	Motifs    float64    // originality: how many unexpected motifs there are, 0..4.5; a fraction is one that is smaller
}

// A Flaw is the quadrant of a picture that is ruined: its colors clash, and what was there fades behind coarse noise.
type Flaw int

// The quadrants, and none.
const (
	None Flaw = iota
	UpperLeft
	UpperRight
	LowerLeft
	LowerRight
)

// String is the quadrant in words.
func (f Flaw) String() string {
	if f < None || f > LowerRight {
		return "no quadrant"
	}
	return [...]string{"none", "upper left", "upper right", "lower left", "lower right"}[f]
}

// A family is a kind of picture that can be told from the others at its barest.
type family struct {
	name  string
	paint func(s *scene)
}

var families = []family{
	{"landscape", landscape},
	{"seascape", seascape},
	{"still life", stillLife},
	{"portrait", portrait},
	{"night sky", nightSky},
	{"cityscape", cityscape},
	{"geometric abstract", geometric},
	{"color field", colorField},
}

// Families are the names of the kinds of pictures.
func Families() []string {
	names := make([]string, len(families))
	for i, f := range families {
		names[i] = f.name
	}
	return names
}

// Paint paints picture index of those that a seed stands for.
func Paint(seed uint64, index int) Painting {
	d, flaw := qualities(seed, index)
	return paint(seed, index, d, flaw)
}

// qualities draws what picture index is to be worth.
func qualities(seed uint64, index int) (Dimensions, Flaw) {
	r := newStream(seed, index, streamQualities)
	d := drawDimensions(r)
	if r.pick(flawEvery) == 0 {
		return d, UpperLeft + Flaw(r.pick(4))
	}
	return d, None
}

// Critiques are those of the first count pictures of a seed, which are not painted.
func Critiques(seed uint64, count int) []string {
	out := make([]string, count)
	for i := range out {
		d, flaw := qualities(seed, i)
		p, _, _ := plan(seed, i, d, flaw)
		out[i] = p.Critique
	}
	return out
}

// plan is a picture that without its flaw would have dimensions d, with all but its pixels, how it is to be painted, and
// the stream to go on with.
func plan(seed uint64, index int, d Dimensions, flaw Flaw) (Painting, family, stream) {
	r := newStream(seed, index, streamScene)
	f := families[r.pick(len(families))]
	size := [...][2]int{{112, 112}, {140, 112}, {112, 140}}[r.pick(3)]
	p := Painting{Width: size[0], Height: size[1], Family: f.name, Params: newParams(d, r), Dimensions: flaw.spoil(d), Flaw: flaw}
	words := newStream(seed, index, streamWords)
	p.Score = clamp(math.Floor(Rubric(p.Dimensions)+mul(RaterError, words.normal())+0.5), 1, 100)
	p.Critique = critique(p.Family, p.Dimensions, words)
	return p, f, r
}

// paint paints a picture that without its flaw would have dimensions d.
func paint(seed uint64, index int, d Dimensions, flaw Flaw) Painting {
	p, f, r := plan(seed, index, d, flaw)
	s := newScene(p.Width, p.Height, p.Params, r)
	f.paint(s)
	s.light(p.Params)
	surface := newStream(seed, index, streamSurface)
	s.blotch(p.Params, flaw, surface)
	s.stroke(p.Params, flaw, surface)
	s.hang()
	motifs := newStream(seed, index, streamMotifs)
	s.motifs(p.Params.Motifs, motifs)
	s.figures(p.Params.Groups, motifs)
	p.Pix = s.finish(p.Params, flaw, surface)
	return p
}

// newParams turns qualities into what is to be painted.
func newParams(d Dimensions, r stream) Params {
	discord, disorder := 1-d.Color/100, 1-d.Composition/100
	count := func(x float64) float64 { return clamp(x/20-0.5, 0, 5) } // whole in the middle of a level
	thirds := [2]float64{1.0 / 3, 2.0 / 3}
	return Params{
		Hue:       r.between(0, 2*math.Pi),
		HueSpread: 0.3 + mul(2.6, discord),
		Uneven:    discord,
		Clash:     mul(mul(2.2, discord), 0.4+mul(0.6, discord)),
		Strokes:   d.Texture / 100,
		Grain:     mul(0.1, 1-d.Texture/100),
		Weave:     mul(0.06, 1-d.Texture/100),
		Tilt:      mul(mul(0.45, disorder), r.sign()),
		Crowding:  disorder,
		Focus:     [2]float64{thirds[r.pick(2)], thirds[r.pick(2)]},
		Corner:    [2]float64{0.5 + mul(0.42, r.sign()), 0.5 + mul(0.42, r.sign())},
		Groups:    count(d.Content),
		Motifs:    count(d.Originality),
	}
}

// flawEvery is of how many pictures one has a flaw.
const flawEvery = 5

// A flaw takes two levels of every dimension, for an eye that has found it sees little else, but leaves spoilt of each.
const (
	flawTakes = 40
	spoilt    = 5
)

// spoil counts a flaw in.
func (f Flaw) spoil(d Dimensions) Dimensions {
	if f == None {
		return d
	}
	for _, v := range []*float64{&d.Originality, &d.Color, &d.Texture, &d.Composition, &d.Content} {
		*v = tenth(max(*v-flawTakes, min(*v, spoilt)))
	}
	return d
}

// Image is the picture as an opaque image of its own.
func (p Painting) Image() *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, p.Width, p.Height))
	for i := range p.Width * p.Height {
		copy(img.Pix[4*i:], p.Pix[3*i:3*i+3])
		img.Pix[4*i+3] = 255
	}
	return img
}
