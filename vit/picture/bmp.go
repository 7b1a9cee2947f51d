package picture

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
)

// bmpFile is the header of a Windows bitmap, as Pillow reads it.
type bmpFile struct {
	data        []byte
	w, h        int
	bits        int
	compression uint32
	masks       [4]uint32 // red, green, blue, alpha of bit fields
	colors      int
	entry       int    // bytes of a palette entry
	palette     []byte // nil for none, or for a gray ramp
	ramp        bool   // the palette is a gray ramp
	pixels      int    // offset of the pixels
	down        bool   // the top row comes first
}

// Compressions of a bitmap.
const (
	bmpRaw, bmpRLE8, bmpRLE4, bmpBitfields = 0, 1, 2, 3
)

func decodeBMP(ctx context.Context, data []byte, l Limits) (Image, error) {
	b := &bmpFile{data: data}
	at, offset := 0, 0
	if bytes.HasPrefix(data, []byte("BM")) { // else a bitmap without its file header, as a clipboard holds it
		if len(data) < 14 {
			return Image{}, damaged(errors.New("no header"))
		}
		at, offset = 14, int(binary.LittleEndian.Uint32(data[10:]))
	}
	at, err := b.header(at)
	if err != nil {
		return Image{}, damaged(err)
	}
	if err := l.check(b.w, b.h); err != nil {
		return Image{}, err
	}
	if err := l.checkMemory(3*b.w*b.h, len(data)); err != nil {
		return Image{}, err
	}
	if err := b.readPalette(at, offset); err != nil {
		return Image{}, damaged(err)
	}
	var img Image
	if b.compression == bmpRLE8 || b.compression == bmpRLE4 {
		img, err = b.runs(ctx)
	} else {
		img, err = b.rows(ctx)
	}
	if err != nil {
		return Image{}, damaged(err)
	}
	return img, nil
}

// header reads the header that begins at an offset, and returns where it ends.
func (b *bmpFile) header(at int) (end int, err error) {
	le := binary.LittleEndian
	if len(b.data) < at+4 {
		return 0, errors.New("no header")
	}
	size := int(le.Uint32(b.data[at:]))
	if end = at + size; size > 124 || end > len(b.data) {
		return 0, fmt.Errorf("a header of %d bytes", size)
	}
	h := b.data[at:end]
	switch size {
	case 12:
		b.w, b.h, b.bits, b.entry = int(le.Uint16(h[4:])), int(le.Uint16(h[6:])), int(le.Uint16(h[10:])), 3
	case 40, 52, 56, 64, 108, 124:
		b.w, b.h, b.bits, b.entry = int(le.Uint32(h[4:])), int(le.Uint32(h[8:])), int(le.Uint16(h[14:])), 4
		if b.down = h[11] == 0xff; b.down {
			b.h = 1<<32 - b.h
		}
		b.compression, b.colors = le.Uint32(h[16:]), int(le.Uint32(h[32:]))
	default:
		return 0, fmt.Errorf("a header of %d bytes", size)
	}
	if b.colors == 0 {
		b.colors = 1 << min(b.bits, 32)
	}
	if b.compression == bmpBitfields {
		return b.readMasks(h, end)
	}
	return end, nil
}

// readMasks reads the masks of bit fields, in the header or behind it.
func (b *bmpFile) readMasks(h []byte, end int) (int, error) {
	n := 4
	switch size := len(h); {
	case size == 40:
		if len(b.data) < end+12 {
			return 0, errors.New("no bit fields")
		}
		h = b.data[end-40 : end+12]
		end, n = end+12, 3
	case size < 56:
		n = 3
	}
	for i := range n {
		b.masks[i] = binary.LittleEndian.Uint32(h[40+4*i:])
	}
	return end, nil
}

// readPalette reads the palette behind the header, and finds the pixels.
func (b *bmpFile) readPalette(at, offset int) error {
	switch b.bits {
	case 1, 4, 8:
	case 16, 24, 32:
		b.pixels = at
		if offset != 0 {
			b.pixels = offset
		}
		return nil
	default:
		return fmt.Errorf("%d bits a pixel", b.bits)
	}
	if b.colors > 256 {
		return fmt.Errorf("a palette of %d colors", b.colors)
	}
	end := min(at+b.entry*b.colors, len(b.data))
	b.palette = b.data[at:end]
	if offset == at { // the pixels seem to lie where the palette is
		offset += 4 * b.colors
	}
	if b.pixels = end; offset != 0 {
		b.pixels = offset
	}
	b.ramp = len(b.palette) >= b.entry*b.colors-b.entry+3
	for i := 0; i < b.colors && b.ramp; i++ {
		v := byte(i)
		if b.colors == 2 && i == 1 {
			v = 255
		}
		b.ramp = bytes.Equal(b.palette[i*b.entry:i*b.entry+3], []byte{v, v, v})
	}
	return nil
}

// table is what the numbers of pixels stand for; beyond the palette is black.
func (b *bmpFile) table() (table [256][3]byte) {
	for i := range len(b.palette) / b.entry {
		e := b.palette[i*b.entry:]
		table[i] = [3]byte{e[2], e[1], e[0]}
	}
	return table
}

// rows reads pixels that are not compressed.
func (b *bmpFile) rows(ctx context.Context) (Image, error) {
	img := newImage(b.w, b.h)
	unpack, err := b.unpacker()
	if err != nil {
		return img, err
	}
	stride, used := (b.w*b.bits+31)/32*4, (b.w*b.bits+7)/8
	for i := range b.h {
		if err := ctx.Err(); err != nil {
			return img, err
		}
		at := b.pixels + i*stride
		if at > len(b.data)-used {
			return img, fmt.Errorf("it ends in row %d of %d", i+1, b.h)
		}
		y := b.h - 1 - i
		if b.down {
			y = i
		}
		unpack(img.Pix[3*y*b.w:3*(y+1)*b.w], b.data[at:at+used])
	}
	return img, nil
}

// bmpLayouts are the bit fields of 32 bits that Pillow knows, and where red, green and blue then lie.
var bmpLayouts = map[[4]uint32][3]int{
	{0xff0000, 0xff00, 0xff, 0}:          {2, 1, 0},
	{0xff000000, 0xff0000, 0xff00, 0}:    {3, 2, 1},
	{0xff000000, 0xff00, 0xff, 0}:        {3, 1, 0},
	{0xff000000, 0xff0000, 0xff00, 0xff}: {3, 2, 1},
	{0xff, 0xff00, 0xff0000, 0xff000000}: {0, 1, 2},
	{0xff0000, 0xff00, 0xff, 0xff000000}: {2, 1, 0},
	{0xff000000, 0xff00, 0xff, 0xff0000}: {3, 1, 0},
	{}:                                   {2, 1, 0},
}

// unpacker turns a row of pixels into RGB.
func (b *bmpFile) unpacker() (func(out, row []byte), error) {
	fields := b.compression == bmpBitfields
	if b.compression != bmpRaw && !fields {
		return nil, fmt.Errorf("compression %d", b.compression)
	}
	rgb := [3]uint32{b.masks[0], b.masks[1], b.masks[2]}
	switch {
	case b.bits <= 8 && !fields:
		if b.ramp && b.bits != 8 && b.colors != 2 || b.ramp && b.colors == 2 && b.bits != 1 {
			return nil, fmt.Errorf("%d bits a pixel with a palette of %d grays, which the reference takes for pixels of another size", b.bits, b.colors)
		}
		table := b.table()
		if b.ramp && b.colors != 2 { // then a number beyond the palette is a gray too
			for i := range table {
				table[i] = [3]byte{byte(i), byte(i), byte(i)}
			}
		}
		return func(out, row []byte) { unpackIndices(out, row, b.bits, &table) }, nil
	case b.bits == 16 && (!fields || rgb == [3]uint32{0x7c00, 0x3e0, 0x1f}):
		return func(out, row []byte) { unpack16(out, row, 10, 5, 31) }, nil
	case b.bits == 16 && rgb == [3]uint32{0xf800, 0x7e0, 0x1f}:
		return func(out, row []byte) { unpack16(out, row, 11, 5, 63) }, nil
	case b.bits == 24 && (!fields || rgb == [3]uint32{0xff0000, 0xff00, 0xff}):
		return func(out, row []byte) { unpackBytes(out, row, 3, [3]int{2, 1, 0}) }, nil
	case b.bits == 32 && !fields:
		return func(out, row []byte) { unpackBytes(out, row, 4, [3]int{2, 1, 0}) }, nil
	case b.bits == 32:
		if layout, ok := bmpLayouts[b.masks]; ok {
			return func(out, row []byte) { unpackBytes(out, row, 4, layout) }, nil
		}
	}
	return nil, fmt.Errorf("bit fields %08x in %d bits", b.masks, b.bits)
}

// unpackIndices looks up numbers of up to 8 bits, the first in the highest bits.
func unpackIndices(out, row []byte, bits int, table *[256][3]byte) {
	for i := range len(out) / 3 {
		v := row[i*bits/8] >> (8 - bits - i*bits%8) & (1<<bits - 1)
		copy(out[3*i:3*i+3], table[v][:])
	}
}

// unpack16 reads pixels of 16 bits, of which blue are the lowest 5, and red 5 too.
func unpack16(out, row []byte, red, green int, greens uint16) {
	for i := range len(out) / 3 {
		v := binary.LittleEndian.Uint16(row[2*i:])
		out[3*i] = byte(v >> red & 31 * 255 / 31)
		out[3*i+1] = byte(v >> green & greens * 255 / greens)
		out[3*i+2] = byte(v & 31 * 255 / 31)
	}
}

// unpackBytes takes red, green and blue from their places in pixels of some bytes.
func unpackBytes(out, row []byte, size int, at [3]int) {
	for i := range len(out) / 3 {
		p := row[i*size:]
		out[3*i], out[3*i+1], out[3*i+2] = p[at[0]], p[at[1]], p[at[2]]
	}
}
