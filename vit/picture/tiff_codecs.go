package picture

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/loupe-vl/loupe/vit/jpeg"
	"golang.org/x/image/tiff/lzw"
)

// inflate decompresses a block of h rows of stride bytes, and undoes its predictor.
func (r *tiffReader) inflate(data []byte, w, h, stride int) ([]byte, error) {
	if stride > math.MaxInt32/h {
		return nil, fmt.Errorf("%d rows of %d bytes", h, stride)
	}
	if err := r.limits.checkMemory(stride*h, len(r.t.data)); err != nil {
		return nil, err
	}
	if cap(r.buf) < stride*h {
		r.buf = make([]byte, stride*h)
	}
	out := r.buf[:stride*h]
	switch t := r.t; t.compression {
	case tiffLZW:
		if len(data) >= 2 && data[0] == 0 && data[1]&1 == 1 {
			return nil, errors.New("LZW of the old style is not supported")
		}
		z := lzw.NewReader(bytes.NewReader(data), lzw.MSB, 8)
		defer z.Close()
		if _, err := io.ReadFull(z, out); err != nil {
			return nil, err
		}
		return out, r.accumulate(out, w, stride)
	case tiffAdobeDeflate, tiffDeflate:
		z, err := zlib.NewReader(bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		defer z.Close()
		if err := readAndCheck(z, out); err != nil {
			return nil, err
		}
		return out, r.accumulate(out, w, stride)
	case tiffPackBits:
		return out, unpackBits(out, data)
	case tiffRLE, tiffGroup3, tiffGroup4:
		return out, r.unfax(out, data, w, h)
	default:
		return nil, fmt.Errorf("its compression %d is not supported", t.compression)
	}
}

// unpackBits decodes PackBits: a count, then bytes or one byte to repeat.
func unpackBits(out, data []byte) error {
	for len(out) > 0 {
		if len(data) < 2 {
			return io.ErrUnexpectedEOF
		}
		n := int(int8(data[0]))
		switch {
		case n == -128:
			data = data[1:]
			continue
		case n < 0:
			n = min(1-n, len(out))
			for i := range n {
				out[i] = data[1]
			}
			data = data[2:]
		default:
			n = min(n+1, len(out))
			if len(data) < 1+n {
				return io.ErrUnexpectedEOF
			}
			copy(out[:n], data[1:])
			data = data[1+n:]
		}
		out = out[n:]
	}
	return nil
}

// unfax decodes CCITT codes to bits, of which 0 is the code's white.
func (r *tiffReader) unfax(out, data []byte, w, h int) error {
	t := r.t
	if t.bits != 1 || t.samples != 1 {
		return fmt.Errorf("CCITT codes for %d samples of %d bits", t.samples, t.bits)
	}
	if t.number(tagT4Options, 0)&2 != 0 {
		return errors.New("CCITT codes with pixels that are not coded are not supported")
	}
	clear(out)
	f := &fax{data: data, w: w}
	return f.rows(out, h, t.compression, t.number(tagT4Options, 0)&1 != 0)
}

// accumulate undoes a predictor: a row's samples are stored as differences from those of the pixel before.
func (r *tiffReader) accumulate(out []byte, w, stride int) error {
	t := r.t
	step := t.samples
	if t.planar {
		step = 1
	}
	predictor := t.number(tagPredictor, 1)
	switch {
	case predictor == 1:
		return nil
	case predictor == 3 && t.bits == 32 && t.format == 3:
	case predictor != 2 || t.bits != 8 && t.bits != 16 && t.bits != 32:
		return fmt.Errorf("predictor %d over samples of %d bits is not supported", predictor, t.bits)
	}
	for ; len(out) > 0; out = out[stride:] {
		row := out[:stride]
		switch {
		case predictor == 3:
			accumulateFloats(row, step, t.data[0] == 'I')
		case t.bits == 8:
			for i := step; i < len(row); i++ {
				row[i] += row[i-step]
			}
		case t.bits == 16:
			for i := 2 * step; i+1 < len(row); i += 2 {
				t.order.PutUint16(row[i:], t.order.Uint16(row[i:])+t.order.Uint16(row[i-2*step:]))
			}
		default:
			for i := 4 * step; i+3 < len(row); i += 4 {
				t.order.PutUint32(row[i:], t.order.Uint32(row[i:])+t.order.Uint32(row[i-4*step:]))
			}
		}
	}
	return nil
}

// accumulateFloats undoes the predictor of floating-point numbers: their bytes lie apart, the highest of all first, and as
// differences.
func accumulateFloats(row []byte, step int, little bool) {
	for i := step; i < len(row); i++ {
		row[i] += row[i-step]
	}
	n := len(row) / 4
	planes := bytes.Clone(row)
	for i := range n {
		for b := range 4 {
			to := b
			if little {
				to = 3 - b
			}
			row[4*i+to] = planes[b*n+i]
		}
	}
}

// jpegBlock decodes a block of JPEG, whose tables may lie apart from it.
func (r *tiffReader) jpegBlock(data []byte, w, h int) ([]byte, int, error) {
	t := r.t
	if r.tables == nil {
		r.tables = t.tags[tagJPEGTables].data
	}
	n := t.samples
	if t.planar {
		n = 1
	}
	if t.bits != 8 {
		return nil, 0, fmt.Errorf("JPEG of %d bits a sample is not supported", t.bits)
	}
	s, err := jpeg.DecodeSamples(r.ctx, r.tables, data, t.photo == ycbcrSamples, r.limits.most())
	if err != nil {
		return nil, 0, err
	}
	if s.Width != w || s.Height != h || s.Components != n {
		return nil, 0, fmt.Errorf("its JPEG is of %d x %d pixels with %d components, not %d x %d with %d", s.Width, s.Height, s.Components, w, h, n)
	}
	r.decoded = t.photo == ycbcrSamples && n == 3
	return s.Pix, w * n, nil
}
