package picture

import (
	"errors"
	"fmt"
	"slices"
)

// readSamples finds what a pixel is made of, as Pillow completes what is left out.
func (t *tiffFile) readSamples() error {
	bits, formats := t.integers(tagBits), t.integers(tagSampleFormat)
	t.extra = t.integers(tagExtraSamples)
	if bits == nil {
		bits = []int{1}
	}
	t.samples = t.number(tagSamples, 1)
	if t.samples < 1 || t.samples > 6 {
		return fmt.Errorf("%d samples a pixel", t.samples)
	}
	if len(bits) == 1 {
		bits = slices.Repeat(bits, t.samples)
	}
	if bits = bits[:min(len(bits), t.samples)]; len(bits) != t.samples {
		return fmt.Errorf("bits of %d samples, where a pixel has %d", len(bits), t.samples)
	}
	t.bits, t.format = bits[0], 1
	for _, b := range bits {
		if b != t.bits {
			return fmt.Errorf("samples of %v bits", bits)
		}
	}
	if len(formats) > 0 {
		t.format = formats[0]
	}
	if len(formats) > 1 && (slices.Max(formats) != 1 || slices.Min(formats) != 1) {
		return fmt.Errorf("samples of the formats %v", formats)
	}
	return nil
}

// known reports whether the pixels are of a kind that Pillow knows: what they are, how many samples of which size and format, and what those beyond
// the colors mean.
func (t *tiffFile) known() bool {
	type kind struct{ photo, samples, bits, format int }
	extra := len(t.extra)
	colors := map[int]int{rgbSamples: 3, cmykSamples: 4, ycbcrSamples: 3, labSamples: 3}[t.photo]
	switch k := (kind{t.photo, t.samples, t.bits, t.format}); {
	case t.photo <= blackIsZero && t.samples == 1 && extra == 0:
		small := t.format == 1 && slices.Contains([]int{1, 2, 4, 8}, t.bits)
		little := t.data[0] == 'I'
		switch {
		case small:
			return true
		case t.bits == 32 && t.format == 3:
			return !t.lowFirst
		case t.photo == whiteIsZero:
			return k == kind{0, 1, 16, 1} && little && !t.lowFirst
		case k == kind{1, 1, 16, 1}:
			return little || !t.lowFirst
		case k == kind{1, 1, 12, 1}, k == kind{1, 1, 32, 1}:
			return little && !t.lowFirst
		}
		return !t.lowFirst && t.format == 2 && (t.bits == 8 || t.bits == 16 || t.bits == 32)
	case t.format != 1:
		return false
	case k == kind{1, 2, 8, 1}:
		return slices.Equal(t.extra, []int{2}) && !t.lowFirst
	case t.photo == paletteSamples && t.samples == 1 && extra == 0:
		return slices.Contains([]int{1, 2, 4, 8}, t.bits)
	case t.photo == paletteSamples:
		return t.samples == 2 && t.bits == 8 && extra == 1 && (t.extra[0] == 0 || t.extra[0] == 2) && !t.lowFirst
	case t.photo == ycbcrSamples && t.samples == 1:
		return t.bits == 8 && extra == 0 && !t.lowFirst
	case colors == 0 || t.bits != 8 && t.bits != 16:
		return false
	case t.lowFirst:
		return k == kind{rgbSamples, 3, 8, 1} && extra == 0
	case t.photo == rgbSamples && t.samples == 4 && extra == 0:
		return true // Pillow takes the fourth for alpha
	case t.samples != colors+extra:
		return false
	case extra == 0:
		return t.bits == 8 || t.photo == rgbSamples || t.photo == cmykSamples
	case t.photo == rgbSamples && t.bits == 16:
		return extra == 1 && t.extra[0] <= 2
	case t.photo == rgbSamples:
		return (t.extra[0] <= 2 || extra == 1 && t.extra[0] == 999) && !slices.ContainsFunc(t.extra[1:], func(v int) bool { return v != 0 })
	case t.photo == cmykSamples:
		return t.bits == 8 && !slices.ContainsFunc(t.extra, func(v int) bool { return v != 0 })
	}
	return false
}

// supported is an error if the pixels are of a kind that is not read.
func (t *tiffFile) supported() error {
	if name, ok := tiffRefused[t.compression]; ok {
		return fmt.Errorf("its compression %d (%s) is not supported", t.compression, name)
	}
	switch {
	case t.photo == labSamples:
		return errors.New("its colors are L*a*b*, which is not supported")
	case !t.known():
		return fmt.Errorf("pixels of kind %d with %d samples of %d bits (format %d, extra samples %v) are not supported", t.photo, t.samples, t.bits, t.format, t.extra)
	case t.photo == ycbcrSamples && t.compression == tiffRaw && t.samples > 1:
		return errors.New("YCbCr that is not compressed, which the reference cannot read either")
	case t.photo == ycbcrSamples && t.planar:
		return errors.New("YCbCr in separate planes is not supported")
	case t.compression != tiffRaw && t.data[0] == 'M' && (t.bits == 32 || t.format != 1 && t.bits == 16):
		return errors.New("its compressed numbers are of 32 bits or signed with the highest byte first, which the reference reads the wrong way round")
	case t.planar && t.samples > 1 && t.bits != 8 && (t.compression == tiffRaw || t.bits != 16):
		return fmt.Errorf("separate planes of %d bits are not supported", t.bits)
	case t.planar && t.samples > 3 && (t.compression == tiffRaw || t.tags[tagTileWidth].data == nil) && (len(t.extra) > 1 || t.photo == cmykSamples && len(t.extra) > 0 || slices.Contains(t.extra, 0)):
		return errors.New("planes beside those of the colors and of alpha, which the reference cannot read either")
	case t.planar && t.samples > 1 && t.compression == tiffRaw && (t.photo != cmykSamples && t.photo != rgbSamples || slices.Contains(t.extra, 1)):
		return errors.New("such samples in separate planes that are not compressed are not supported")
	case t.planar && t.samples == 1 && t.compression == tiffRaw && (t.bits != 8 && t.bits != 1 || t.photo == whiteIsZero || t.lowFirst):
		return errors.New("one sample in a plane of its own, which the reference misreads")
	case t.lowFirst && t.compression == tiffRaw && (t.photo == whiteIsZero && t.bits == 8 || t.photo == paletteSamples && t.bits < 8):
		return errors.New("such samples with the lowest bit first that are not compressed, which the reference cannot read either")
	}
	if t.photo == paletteSamples {
		return t.readColorMap()
	}
	return nil
}

// readColorMap reads the palette: all reds, all greens, all blues, of 16 bits each.
func (t *tiffFile) readColorMap() error {
	values := t.integers(tagColorMap)
	n := len(values) / 3
	if n == 0 || n > 256 {
		return fmt.Errorf("a palette of %d colors", n)
	}
	for i := range n {
		for c := range 3 {
			t.table[i][c] = byte(values[c*n+i] / 256)
		}
	}
	return nil
}
