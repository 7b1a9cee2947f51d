package picture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// pnmFile is a picture of the PBM, PGM and PPM family.
type pnmFile struct {
	data  []byte
	at    int
	kind  byte // the digit of P1 to P6
	most  int  // the largest value; 1 for bits
	bands int
}

func isPNM(data []byte) bool {
	return len(data) >= 3 && data[0] == 'P' && data[1] >= '1' && data[1] <= '6' && pnmSpace(data[2])
}

func pnmSpace(c byte) bool { return bytes.IndexByte([]byte(" \t\n\v\f\r"), c) >= 0 }

func decodePNM(ctx context.Context, data []byte, l Limits) (Image, error) {
	p := &pnmFile{data: data, at: 3, kind: data[1] - '0', most: 1, bands: 1}
	var header [3]int
	for i := range header {
		if i == 2 && (p.kind == 1 || p.kind == 4) {
			break
		}
		var err error
		if header[i], err = p.number(); err != nil {
			return Image{}, damaged(err)
		}
	}
	if err := l.check(header[0], header[1]); err != nil {
		return Image{}, err
	}
	if p.kind == 3 || p.kind == 6 {
		p.bands = 3
	}
	if p.kind != 1 && p.kind != 4 {
		if p.most = header[2]; p.most < 1 || p.most > 65535 {
			return Image{}, damaged(fmt.Errorf("a largest value of %d", p.most))
		}
	}
	least := header[0] * header[1] * p.bands // bytes of the pixels
	switch {
	case p.kind == 4:
		least = header[1] * ((header[0] + 7) / 8)
	case p.kind == 2 || p.kind == 3:
		least = 2*least - 1
	case p.most > 255:
		least *= 2
	}
	if least > len(data)-p.at {
		return Image{}, damaged(fmt.Errorf("%d x %d pixels take at least %d bytes, and there are %d", header[0], header[1], least, len(data)-p.at))
	}
	img := newImage(header[0], header[1])
	read := p.binary
	if p.kind <= 3 {
		read = p.plain()
	}
	for y := range img.Height {
		if err := ctx.Err(); err != nil {
			return Image{}, err
		}
		if err := read(img.Pix[3*y*img.Width : 3*(y+1)*img.Width]); err != nil {
			return Image{}, damaged(fmt.Errorf("row %d of %d: %w", y+1, img.Height, err))
		}
	}
	if p.kind == 1 {
		return img, p.onlyBits()
	}
	return img, nil
}

// onlyBits refuses digits other than 0 and 1 behind the last bit too, as Pillow does, which reads a megabyte at once.
func (p *pnmFile) onlyBits() error {
	comment := false
	for _, c := range p.data[p.at:min(len(p.data), p.at+1<<20)] {
		switch {
		case c == '#' || comment && c != '\n' && c != '\r':
			comment = true
		case comment:
			comment = false
		case c != '0' && c != '1' && !pnmSpace(c):
			return damaged(fmt.Errorf("%q is neither 0 nor 1", c))
		}
	}
	return nil
}

// number reads a number of the header; comments run to the end of their line.
func (p *pnmFile) number() (int, error) {
	var token []byte
	for ; p.at < len(p.data) && len(token) <= 10; p.at++ {
		switch c := p.data[p.at]; {
		case pnmSpace(c) && len(token) == 0:
		case pnmSpace(c):
			p.at++
			return strconv.Atoi(string(token))
		case c == '#':
			for p.at < len(p.data) && p.data[p.at] != '\n' && p.data[p.at] != '\r' {
				p.at++
			}
		default:
			token = append(token, c)
		}
	}
	return 0, errors.New("no header")
}

// gray turns a value into the byte that Pillow's convert("RGB") gives: grays of more than 255 levels are stretched to
// 65535 and then cut off at 255.
func (p *pnmFile) gray(v int) byte {
	most := 255
	if p.bands == 1 && p.most > 255 {
		most = 65535
	}
	if p.most != most {
		v = min(most, int(math.RoundToEven(float64(v)/float64(p.most)*float64(most))))
	}
	return byte(min(v, 255))
}

// binary reads a row of bits or bytes.
func (p *pnmFile) binary(out []byte) error {
	n, size := len(out)/3, 1
	if p.most > 255 {
		size = 2
	}
	bytes := n * p.bands * size
	if p.kind == 4 {
		bytes = (n + 7) / 8
	}
	if p.at > len(p.data)-bytes {
		return errors.New("the file ends within it")
	}
	row := p.data[p.at : p.at+bytes]
	p.at += bytes
	if p.kind == 4 {
		unpackIndices(out, row, 1, &[256][3]byte{0: {255, 255, 255}})
		return nil
	}
	for i := range out {
		at := i / 3
		if p.bands == 3 {
			at = i
		}
		v := int(row[at*size])
		if size == 2 {
			v = v<<8 | int(row[2*at+1])
		}
		out[i] = p.gray(v)
	}
	return nil
}

// plain returns a reader of rows that are written in digits. The bits of P1 need no space between them.
func (p *pnmFile) plain() func(out []byte) error {
	rest := p.data[p.at:]
	for _, end := range []byte("\r") { // comments end at either
		rest = bytes.ReplaceAll(rest, []byte{end}, []byte("\n"))
	}
	next := func() (int, error) {
		for {
			rest = bytes.TrimLeft(rest, " \t\n\v\f")
			if len(rest) == 0 {
				return 0, errors.New("the file ends within it")
			}
			if rest[0] != '#' {
				break
			}
			_, rest, _ = bytes.Cut(rest, []byte("\n"))
		}
		end := 1
		if p.kind != 1 {
			if end = slices.IndexFunc(rest[:min(12, len(rest))], pnmSpace); end < 0 {
				end = min(12, len(rest))
			}
		}
		token := string(rest[:end])
		v, err := strconv.Atoi(token)
		if err != nil || end > 10 || v < 0 || v > p.most {
			return 0, fmt.Errorf("%q is no value from 0 to %d", token, p.most)
		}
		rest = rest[end:]
		return v, nil
	}
	return func(out []byte) error {
		for i := 0; i < len(out); i += 4 - p.bands {
			v, err := next()
			if err != nil {
				return err
			}
			if p.kind == 1 {
				v = 1 - v
			}
			g := p.gray(v)
			if out[i] = g; p.bands == 1 {
				out[i+1], out[i+2] = g, g
			}
		}
		return nil
	}
}
