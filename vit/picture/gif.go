package picture

import (
	"bytes"
	"compress/lzw"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// gifFile reads a GIF block by block. Go's image/gif refuses what Pillow shows: no palette, frames beyond the screen,
// indices beyond the palette.
type gifFile struct {
	r          *bytes.Reader
	w, h       int
	background byte   // index; 0 where there is no global palette
	global     []byte // palette, 3 bytes a color; nil for none
}

// gifFrame is one image of a GIF: its indices, and how it is drawn on those before it.
type gifFrame struct {
	x, y, w, h  int
	pix         []byte
	palette     []byte
	transparent int // index; -1: none
	disposal    int // 2: clear afterwards; 3: restore afterwards; 0: as the frame before
	delay       float64
}

func openGIF(data []byte) (*gifFile, error) {
	if len(data) < 13 {
		return nil, errors.New("no header")
	}
	g := &gifFile{r: bytes.NewReader(data[13:]), w: int(binary.LittleEndian.Uint16(data[6:])), h: int(binary.LittleEndian.Uint16(data[8:]))}
	var err error
	if flags := data[10]; flags&0x80 != 0 {
		g.background = data[11]
		g.global, err = g.palette(flags)
	}
	return g, err
}

// palette reads a palette. A palette whose color i is the gray i gives nil, since Pillow ignores it: indices beyond its end
// are then gray levels too.
func (g *gifFile) palette(flags byte) ([]byte, error) {
	p := make([]byte, 3<<(1+flags&7))
	if _, err := io.ReadFull(g.r, p); err != nil {
		return nil, err
	}
	for i, v := range p {
		if int(v) != i/3 {
			return p, nil
		}
	}
	return nil, nil
}

// next reads up to and with the next frame; io.EOF after the last.
func (g *gifFile) next(ctx context.Context, l Limits) (*gifFrame, error) {
	f := &gifFrame{transparent: -1}
	for {
		kind, err := g.r.ReadByte()
		if err != nil {
			return nil, io.ErrUnexpectedEOF
		}
		switch kind {
		case 0x3b:
			return nil, io.EOF
		case 0x21:
			if err := g.extension(f); err != nil {
				return nil, err
			}
		case 0x2c:
			return f, g.image(ctx, f, l)
		case 0:
		default:
			return nil, fmt.Errorf("unknown block %#x", kind)
		}
	}
}

// skip passes over the next frame.
func (g *gifFile) skip() error {
	for {
		kind, err := g.r.ReadByte()
		if err != nil {
			return io.ErrUnexpectedEOF
		}
		switch kind {
		case 0x3b:
			return io.EOF
		case 0x21:
			if _, err := g.r.ReadByte(); err != nil {
				return io.ErrUnexpectedEOF
			}
			if _, err := io.Copy(io.Discard, &gifBlocks{r: g.r}); err != nil {
				return err
			}
		case 0x2c:
			var d [9]byte
			if _, err := io.ReadFull(g.r, d[:]); err != nil {
				return io.ErrUnexpectedEOF
			}
			skip := int64(1) // the code size
			if d[8]&0x80 != 0 {
				skip += 3 << (1 + d[8]&7)
			}
			if _, err := g.r.Seek(skip, io.SeekCurrent); err != nil {
				return err
			}
			_, err := io.Copy(io.Discard, &gifBlocks{r: g.r})
			return err
		case 0:
		default:
			return fmt.Errorf("unknown block %#x", kind)
		}
	}
}

// extension reads a graphic control extension into f, and skips others.
func (g *gifFile) extension(f *gifFrame) error {
	label, err := g.r.ReadByte()
	if err != nil {
		return io.ErrUnexpectedEOF
	}
	data, err := io.ReadAll(&gifBlocks{r: g.r})
	if label == 0xf9 && err == nil && len(data) >= 4 {
		if d := int(data[0]>>2) & 7; d != 0 {
			f.disposal = d
		}
		f.delay = float64(binary.LittleEndian.Uint16(data[1:])) / 100
		if data[0]&1 != 0 {
			f.transparent = int(data[3])
		}
	}
	return err
}

func (g *gifFile) image(ctx context.Context, f *gifFrame, l Limits) error {
	var d [9]byte
	if _, err := io.ReadFull(g.r, d[:]); err != nil {
		return io.ErrUnexpectedEOF
	}
	le := binary.LittleEndian
	f.x, f.y, f.w, f.h = int(le.Uint16(d[0:])), int(le.Uint16(d[2:])), int(le.Uint16(d[4:])), int(le.Uint16(d[6:]))
	if err := l.check(f.w, f.h); err != nil {
		return err
	}
	w, h := max(g.w, f.x+f.w), max(g.h, f.y+f.h)
	if err := l.check(w, h); err != nil {
		return err
	}
	if err := l.checkMemory(3*w*h+f.w*f.h, int(g.r.Size())); err != nil {
		return err
	}
	f.palette = g.global
	if d[8]&0x80 != 0 {
		var err error
		if f.palette, err = g.palette(d[8]); err != nil {
			return io.ErrUnexpectedEOF
		}
	}
	width, err := g.r.ReadByte()
	if err != nil || width < 1 || width > 8 {
		return fmt.Errorf("a code size of %d", width)
	}
	blocks := &gifBlocks{r: g.r}
	f.pix = make([]byte, f.w*f.h)
	z := lzw.NewReader(blocks, lzw.LSB, int(width))
	defer z.Close()
	for at := 0; at < len(f.pix); at += 1 << 20 {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := io.ReadFull(z, f.pix[at:min(at+1<<20, len(f.pix))]); err != nil {
			return fmt.Errorf("image data: %w", err)
		}
	}
	if _, err := io.Copy(io.Discard, blocks); err != nil {
		return err
	}
	if d[8]&0x40 != 0 {
		f.deinterlace()
	}
	return nil
}

func (f *gifFrame) deinterlace() {
	out := make([]byte, len(f.pix))
	at := 0
	for _, pass := range [4][2]int{{0, 8}, {4, 8}, {2, 4}, {1, 2}} {
		for y := pass[0]; y < f.h; y += pass[1] {
			copy(out[y*f.w:(y+1)*f.w], f.pix[at:])
			at += f.w
		}
	}
	f.pix = out
}

// gifBlocks reads a chain of data sub-blocks as one stream.
type gifBlocks struct {
	r    *bytes.Reader
	left int
	done bool
}

func (b *gifBlocks) Read(p []byte) (int, error) {
	for b.left == 0 {
		if b.done {
			return 0, io.EOF
		}
		n, err := b.r.ReadByte()
		if err != nil {
			return 0, io.ErrUnexpectedEOF
		}
		b.left, b.done = int(n), n == 0
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// colors are a frame's palette as Pillow's convert("RGB") sees it: without one the indices are gray levels, and an index
// beyond its end is black.
func (f *gifFrame) colors() (table [256][3]byte) {
	if f.palette == nil {
		for i := range table {
			table[i] = [3]byte{byte(i), byte(i), byte(i)}
		}
		return table
	}
	for i := range len(f.palette) / 3 {
		table[i] = [3]byte(f.palette[3*i:])
	}
	return table
}

// decodeGIF shows the first frame on the screen. Around it lies the transparent color if the frame has one, else
// color 0.
func decodeGIF(ctx context.Context, data []byte, l Limits) (Image, error) {
	g, f, err := firstGIFFrame(ctx, data, l)
	if err != nil {
		return Image{}, err
	}
	out := newImage(max(g.w, f.x+f.w), max(g.h, f.y+f.h))
	table := f.colors()
	around := table[max(f.transparent, 0)]
	for i := 0; i < len(out.Pix); i += 3 {
		copy(out.Pix[i:], around[:])
	}
	f.draw(out, -1)
	if f.transparent >= 0 {
		out.Key = &table[f.transparent]
	}
	return out, nil
}

func firstGIFFrame(ctx context.Context, data []byte, l Limits) (*gifFile, *gifFrame, error) {
	g, err := openGIF(data)
	if err != nil {
		return nil, nil, damaged(err)
	}
	f, err := g.next(ctx, l)
	if err == io.EOF {
		err = errors.New("it holds no image")
	}
	if err != nil {
		return nil, nil, damaged(err)
	}
	return g, f, nil
}

// draw puts the frame on a canvas, but for the pixels of index skip.
func (f *gifFrame) draw(canvas Image, skip int) {
	table := f.colors()
	for y := range f.h {
		for x := range f.w {
			i := f.pix[y*f.w+x]
			if int(i) == skip {
				continue
			}
			at := (f.y+y)*canvas.Width + f.x + x
			copy(canvas.Pix[3*at:], table[i][:])
		}
	}
}
