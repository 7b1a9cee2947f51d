package picture

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Tags of a TIFF directory.
const (
	tagSubfileType, tagSubIFDs, tagDNGVersion  = 254, 330, 50706
	tagWidth, tagHeight, tagBits               = 256, 257, 258
	tagCompression, tagPhotometric             = 259, 262
	tagFillOrder                               = 266
	tagStripOffsets, tagSamples                = 273, 277
	tagRowsPerStrip, tagStripBytes             = 278, 279
	tagPlanar, tagT4Options                    = 284, 292
	tagPredictor, tagColorMap                  = 317, 320
	tagTileWidth, tagTileHeight                = 322, 323
	tagTileOffsets, tagTileBytes               = 324, 325
	tagExtraSamples, tagSampleFormat           = 338, 339
	tagJPEGTables, tagYCbCrSubsampling, tagXMP = 347, 530, 700
	tagYCbCrCoefficients                       = 529
	tagReferenceBlackWhite                     = 532
	tagWindowsMediaPhoto                       = 0xbc01
)

// Compressions of a TIFF.
const (
	tiffRaw, tiffRLE, tiffGroup3, tiffGroup4 = 1, 2, 3, 4
	tiffLZW, tiffOldJPEG, tiffJPEG           = 5, 6, 7
	tiffAdobeDeflate, tiffDeflate            = 8, 32946
	tiffPackBits                             = 32773
)

// tiffRefused are compressions that Pillow may read and loupe does not, by name.
var tiffRefused = map[int]string{
	tiffOldJPEG: "JPEG of the old style", 32771: "words of 16 bits", 32809: "ThunderScan",
	34676: "SGI LogLuv", 34677: "SGI LogLuv of 24 bits", 34925: "LZMA", 50000: "Zstandard", 50001: "WebP",
}

// What the samples of a pixel are.
const (
	whiteIsZero, blackIsZero, rgbSamples, paletteSamples = 0, 1, 2, 3
	cmykSamples, ycbcrSamples, labSamples                = 5, 6, 8
)

// tiffFile is the first page of a TIFF.
type tiffFile struct {
	*ifd
	data               []byte
	w, h               int
	compression, photo int
	planar             bool // each sample in planes of its own
	lowFirst           bool // the lowest bit of a byte comes first
	samples, bits      int  // of a pixel, and of a sample
	extra              []int
	format             int // of samples: 1 unsigned, 2 signed, 3 floating point
	table              [256][3]byte
}

func decodeTIFF(ctx context.Context, data []byte, l Limits) (img Image, orientation int, err error) {
	t, err := openTIFF(data)
	if err != nil {
		return img, 0, damaged(err)
	}
	if err := l.check(t.w, t.h); err != nil {
		return img, 0, err
	}
	if err := l.checkMemory(3*t.w*t.h, len(data)); err != nil {
		return img, 0, err
	}
	if orientation, err = t.turned(); err != nil {
		return img, 0, err
	}
	if err := t.supported(); err != nil {
		return img, 0, damaged(err)
	}
	img = newImage(t.w, t.h)
	if err := t.blocks(ctx, img, l); err != nil {
		return Image{}, 0, damaged(err)
	}
	return img, orientation, nil
}

func openTIFF(data []byte) (*tiffFile, error) {
	order, big, first, err := ifdHeader(data)
	if err != nil {
		return nil, err
	}
	t := &tiffFile{data: data, ifd: readIFD(data, order, big, first)}
	if _, ok := t.tags[tagWindowsMediaPhoto]; ok {
		return nil, errors.New("it is a Windows Media Photo")
	}
	if err := t.notRAW(); err != nil {
		return nil, err
	}
	if err := t.checkTags(); err != nil {
		return nil, err
	}
	w, h := t.numbers(tagWidth), t.numbers(tagHeight)
	if len(w) == 0 || len(h) == 0 || w[0] > math.MaxInt32 || h[0] > math.MaxInt32 || w[0] != math.Trunc(w[0]) || h[0] != math.Trunc(h[0]) {
		return nil, errors.New("it lacks its width or height")
	}
	t.w, t.h = int(w[0]), int(h[0])
	t.compression, t.photo = t.number(tagCompression, tiffRaw), t.number(tagPhotometric, whiteIsZero)
	t.planar, t.lowFirst = t.number(tagPlanar, 1) == 2, t.number(tagFillOrder, 1) == 2
	if fill := t.number(tagFillOrder, 1); fill != 1 && fill != 2 {
		return nil, fmt.Errorf("a fill order of %d", fill)
	}
	return t, t.readSamples()
}

// notRAW refuses the files of cameras that begin as a TIFF does (DNG, NEF, ARW and others): their first page is a small preview,
// and Pillow would show that in place of the picture.
func (t *tiffFile) notRAW() error {
	_, dng := t.tags[tagDNGVersion]
	_, inside := t.tags[tagSubIFDs]
	if dng || inside && t.number(tagSubfileType, 0)&1 == 1 {
		return errors.New("it is a RAW file of a camera, and what it shows first is a small preview; develop it to JPEG or TIFF first")
	}
	return nil
}

// tiffTags are the tags that say how the pixels lie, true for those of one value.
var tiffTags = map[uint16]bool{
	tagWidth: true, tagHeight: true, tagBits: false, tagCompression: true, tagPhotometric: true, tagFillOrder: true, tagStripOffsets: false, tagSamples: true,
	tagRowsPerStrip: true, tagStripBytes: false, tagPlanar: true, tagT4Options: true, tagPredictor: true, tagColorMap: false, tagTileWidth: true, tagTileHeight: true,
	tagTileOffsets: false, tagTileBytes: false, tagExtraSamples: false, tagSampleFormat: false, tagYCbCrSubsampling: false,
}

// checkTags refuses a directory over which Pillow fails, or libtiff, which reads it once more where the pixels are compressed.
func (t *tiffFile) checkTags() error {
	compressed := t.number(tagCompression, tiffRaw) != tiffRaw
	if compressed && !t.whole {
		return errors.New("its directory is cut off")
	}
	for tag, one := range tiffTags {
		v, ok := t.tags[tag]
		switch n := len(t.numbers(tag)); {
		case ok && !slices.Contains([]uint16{kindShort, kindLong, 8, 9, kindIFD, kindLong8}, v.kind):
			return fmt.Errorf("its tag %d holds values of kind %d, which are no integers", tag, v.kind)
		case compressed && (t.odd[tag] || one && n > 1):
			return fmt.Errorf("its tag %d stands there twice, or has %d values", tag, n)
		}
	}
	if p := t.number(tagPlanar, 1); compressed && p != 1 && p != 2 {
		return fmt.Errorf("a planar configuration of %d", p)
	}
	return nil
}

// number is the first value of a tag, or absent.
func (t *tiffFile) number(tag uint16, absent int) int {
	if v := t.numbers(tag); len(v) > 0 && v[0] == math.Trunc(v[0]) && math.Abs(v[0]) < 1<<53 {
		return int(v[0])
	}
	return absent
}

func (t *tiffFile) integers(tag uint16) []int {
	var out []int
	for _, v := range t.numbers(tag) {
		out = append(out, int(max(min(v, 1<<53), -1)))
	}
	return out
}

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

// turned is the orientation: that of the directory, or else of the XMP packet.
func (t *tiffFile) turned() (int, error) {
	if o, ok := t.orientation(); ok {
		return o, nil
	}
	packet := t.tags[tagXMP]
	if packet.data != nil && packet.kind != kindByte && packet.kind != kindUndefined {
		return 0, errors.New("its XMP, which may say how the picture is turned, is not stored as bytes; save the picture again")
	}
	return xmpOrientation(packet.data), nil
}

// kinds are the pixels that Pillow knows: what they are, how many samples of which size and format, and what those beyond
// the colours mean.
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
		return errors.New("its colours are L*a*b*, which is not supported")
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
		return errors.New("planes beside those of the colours and of alpha, which the reference cannot read either")
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
		return fmt.Errorf("a palette of %d colours", n)
	}
	for i := range n {
		for c := range 3 {
			t.table[i][c] = byte(values[c*n+i] / 256)
		}
	}
	return nil
}
