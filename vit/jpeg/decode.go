package jpeg

import (
	"context"
	"errors"
	"fmt"
)

// Image is a decoded picture: red, green and blue of each pixel, row by row, 3*Width*Height bytes, as Pillow's
// convert("RGB") gives them.
type Image struct {
	Width, Height int
	Pix           []byte
}

// ErrTruncated is the error of a file that ends before its end marker.
var ErrTruncated = errors.New("the file is truncated: it ends before its end marker; download or copy it again")

// Decode decodes a file until ctx is done. One of more than maxPixels pixels is refused before memory is taken.
func Decode(ctx context.Context, data []byte, maxPixels int) (*Image, error) {
	d := &decoder{ctx: ctx, data: data, maxPixels: maxPixels}
	if err := d.markers(); err != nil {
		return nil, err
	}
	return d.image()
}

// decoder is the state of one file.
type decoder struct {
	ctx        context.Context
	data       []byte
	pos        int
	tablesOnly bool // the data are tables alone
	maxPixels  int

	width, height int
	progressive   bool
	comps         []*component
	hMax, vMax    int
	mcusX, mcusY  int

	quant     [4]*[64]uint16 // in natural order
	huff      [2][4]*huffman // DC and AC
	interval  int            // MCUs between restarts; 0: none
	jfif      bool
	adobe     bool
	transform byte
	scanned   bool
	direct    bool // the first scan has all of a sequential picture, and blocks are transformed as they are read
	scans     int  // read so far
	visits    int  // blocks of all of them
	lastGood  int  // the row of MCUs in which data were last there
}

// component is one color plane.
type component struct {
	id, h, v, tq byte
	blocksX      int // blocks a row of coef, whole MCUs
	width        int // samples that count: ceil(image * h / hMax)
	height       int
	quant        *[64]uint16 // as it was at the component's first scan
	blocks       int         // whole MCUs
	coef         []int16     // 64 a block, natural order
	samples      []byte      // (height, width), where blocks are transformed as they are read
	known        progress    // of a progressive file
	before       progress    // known before the component's last scan
}

// The markers that the decoder tells apart.
const (
	mSOF0, mSOF1, mSOF2      = 0xc0, 0xc1, 0xc2
	mDHT, mDAC               = 0xc4, 0xcc
	mRST0, mRST7, mSOI, mEOI = 0xd0, 0xd7, 0xd8, 0xd9
	mSOS, mDQT, mDRI         = 0xda, 0xdb, 0xdd
	mDNL, mCOM               = 0xdc, 0xfe
	mAPP0, mAPP14            = 0xe0, 0xee
)

// markers reads the file, marker by marker, to its end.
func (d *decoder) markers() error {
	if len(d.data) < 2 || d.data[0] != 0xff || d.data[1] != mSOI {
		return errors.New("the file does not begin as a JPEG does")
	}
	d.pos = 2
	for {
		m, ok := d.nextMarker()
		switch {
		case !ok:
			return ErrTruncated
		case m == mEOI:
			if !d.scanned && !d.tablesOnly {
				return errors.New("the file holds no picture data")
			}
			return nil
		case m == 0x01 && (d.scanned || d.tablesOnly) || m >= mRST0 && m <= mRST7:
			continue // markers without a segment; Pillow knows no 0x01 before the first scan
		case m == mSOI:
			return errors.New("a second start marker")
		}
		seg, err := d.segment()
		if err != nil {
			return err
		}
		if err := d.marker(m, seg); err != nil {
			return err
		}
	}
}

// nextMarker skips to the next marker, over padding and stray bytes.
func (d *decoder) nextMarker() (byte, bool) {
	for ; d.pos+1 < len(d.data); d.pos++ {
		if d.data[d.pos] == 0xff && d.data[d.pos+1] != 0xff && d.data[d.pos+1] != 0 {
			d.pos += 2
			return d.data[d.pos-1], true
		}
	}
	return 0, false
}

// segment is the body of the segment at pos.
func (d *decoder) segment() ([]byte, error) {
	if d.pos+2 > len(d.data) {
		return nil, ErrTruncated
	}
	n := int(d.data[d.pos])<<8 | int(d.data[d.pos+1])
	if n < 2 {
		return nil, fmt.Errorf("a segment of %d bytes at byte %d", n, d.pos)
	}
	if d.pos+n > len(d.data) {
		return nil, ErrTruncated
	}
	seg := d.data[d.pos+2 : d.pos+n]
	d.pos += n
	return seg, nil
}

func (d *decoder) marker(m byte, seg []byte) error {
	switch {
	case m == mSOF0 || m == mSOF1 || m == mSOF2:
		d.progressive = m == mSOF2
		return d.frame(seg)
	case m == mDHT:
		return d.tables(seg)
	case m == mDQT:
		return d.quantizers(seg)
	case m == mDRI:
		if len(seg) != 2 {
			return errors.New("a restart interval of the wrong length")
		}
		d.interval = int(seg[0])<<8 | int(seg[1])
	case m == mSOS:
		return d.scan(seg)
	case m == mAPP0:
		d.jfif = d.jfif || len(seg) >= 14 && string(seg[:5]) == "JFIF\x00"
	case m == mAPP14:
		if len(seg) >= 12 && string(seg[:5]) == "Adobe" {
			d.adobe, d.transform = true, seg[11]
		}
	case m == mDAC || m >= 0xc9 && m <= 0xcb:
		return errors.New("arithmetic coding is not supported; save the picture again with Huffman coding, or as PNG")
	case m >= 0xc3 && m <= 0xcf && m != 0xc8:
		return fmt.Errorf("frames of kind SOF%d (lossless or hierarchical) are not supported; save the picture again as PNG", m-mSOF0)
	case m == mDNL || m > mAPP0 && m <= mAPP0+15 || m == mCOM:
	default:
		return fmt.Errorf("a marker %#x, which no JPEG has", m)
	}
	return nil
}

// frame reads a frame header.
func (d *decoder) frame(seg []byte) error {
	switch {
	case d.comps != nil:
		return errors.New("a second frame header")
	case len(seg) < 6 || len(seg) != 6+3*int(seg[5]):
		return errors.New("a frame header of the wrong length")
	case seg[0] != 8:
		return fmt.Errorf("%d bits a sample are not supported; save the picture again with 8", seg[0])
	}
	d.height, d.width = int(seg[1])<<8|int(seg[2]), int(seg[3])<<8|int(seg[4])
	n := int(seg[5])
	if d.width == 0 || d.height == 0 {
		return fmt.Errorf("the picture is %d x %d pixels: it is empty", d.width, d.height)
	}
	if n != 1 && n != 3 && n != 4 {
		return fmt.Errorf("%d color components; 1, 3 and 4 are supported", n)
	}
	if d.width > d.maxPixels/d.height {
		return fmt.Errorf("the picture is %d x %d pixels, more than the limit of %d; make it smaller first", d.width, d.height, d.maxPixels)
	}
	for i := range n {
		s := seg[6+3*i:]
		c := &component{id: s[0], h: s[1] >> 4, v: s[1] & 15, tq: s[2]}
		if c.h < 1 || c.h > 4 || c.v < 1 || c.v > 4 || c.tq > 3 {
			return fmt.Errorf("component %d has sampling %dx%d and quantizer %d, which no JPEG has", i+1, c.h, c.v, c.tq)
		}
		c.known, c.before = unknown, unknown
		d.hMax, d.vMax = max(d.hMax, int(c.h)), max(d.vMax, int(c.v))
		d.comps = append(d.comps, c)
	}
	return d.layout()
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// quantizers reads quantization tables.
func (d *decoder) quantizers(seg []byte) error {
	for len(seg) > 0 {
		wide, id := int(seg[0]>>4), seg[0]&15
		n := 64 << min(wide, 1)
		if id > 3 || wide > 1 || len(seg) < 1+n {
			return errors.New("a damaged quantization table")
		}
		t := new([64]uint16)
		for i := range 64 {
			if wide == 1 {
				t[natural[i]] = uint16(seg[1+2*i])<<8 | uint16(seg[2+2*i])
			} else {
				t[natural[i]] = uint16(seg[1+i])
			}
		}
		d.quant[id] = t
		seg = seg[1+n:]
	}
	return nil
}

// natural maps the zigzag order to rows of 8; indices past 63, which damaged data reach, stay at 63.
var natural = [80]byte{
	0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
	63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63,
}
