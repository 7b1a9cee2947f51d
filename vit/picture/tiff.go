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

// notRAW refuses raw files of cameras that look like a TIFF (DNG, NEF, ARW and others): their first page is a small
// preview, which Pillow would show in place of the picture.
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

// checkTags refuses a directory on which Pillow fails, or libtiff, which reads it again if the pixels are compressed.
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
