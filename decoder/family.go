package decoder

// Family is the decoder of a model family, at the places where decoders differ. What is a number (the width of a head, theta) is
// the configuration's.
type Family struct {
	// QKVBias and OBias say which maps of attention have a bias: those to queries, keys and values, and the one back.
	QKVBias, OBias bool
	// Axes gives the axis of each pair of a head's columns (0 time, 1 height, 2 width), of which mrope_section has so many.
	Axes func(section []int) []int
	// Positions gives each of n tokens its M-RoPE position: see RopeIndex.
	Positions func(n int, placeholders []Placeholder, merge int) (pos Positions, delta int, err error)
}

// Qwen2VL is the decoder of Qwen2-VL.
var Qwen2VL = Family{QKVBias: true, Axes: Sections, Positions: RopeIndex}
