package paint

// PaintWithFlaw paints a picture that is strong or brilliant in every way but for a quadrant, and its lower score. With None
// it is the same picture without the flaw, rated with the same error: what differs is what the flaw did.
func PaintWithFlaw(seed uint64, index int, quadrant Flaw) Painting {
	return paint(seed, index, drawGoodDimensions(newStream(seed, index, streamQualities)), quadrant)
}
