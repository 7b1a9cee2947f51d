package picture

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
)

// tiffGrid is how a page is cut into strips or tiles.
type tiffGrid struct {
	w, h            int // of a block
	across, down    int // blocks in a plane
	offsets, counts []int
	tiled           bool
}

func (t *tiffFile) grid() (g tiffGrid, err error) {
	g.offsets, g.counts = t.integers(tagStripOffsets), t.integers(tagStripBytes)
	g.w, g.h = t.w, t.number(tagRowsPerStrip, t.h)
	if g.offsets == nil || t.compression != tiffRaw && t.tags[tagTileWidth].data != nil {
		g.tiled = true
		g.offsets, g.counts = t.integers(tagTileOffsets), t.integers(tagTileBytes)
		g.w, g.h = t.number(tagTileWidth, 0), t.number(tagTileHeight, 0)
	}
	if g.h <= 0 || g.h > 1<<31 || g.w <= 0 || g.w > 1<<31 || g.offsets == nil {
		return g, errors.New("it does not say where its pixels lie")
	}
	if !g.tiled {
		g.h = min(g.h, t.h)
	}
	g.across, g.down = ceilDiv(t.w, g.w), ceilDiv(t.h, g.h)
	want := g.across * g.down
	if t.planar {
		want *= t.samples
	}
	if len(g.offsets) < want || t.compression != tiffRaw && len(g.counts) < want {
		return g, fmt.Errorf("%d of its %d strips or tiles are missing", want-min(len(g.offsets), len(g.counts)), want)
	}
	if t.compression == tiffRaw && len(g.offsets) > want {
		if g.across*g.down > 1 || t.planar {
			return g, fmt.Errorf("%d strips or tiles, where its size asks for %d", len(g.offsets), want)
		}
		g.offsets = g.offsets[len(g.offsets)-1:]
	}
	return g, nil
}

// blocks reads every strip or tile into the picture.
func (t *tiffFile) blocks(ctx context.Context, img Image, l Limits) error {
	g, err := t.grid()
	if err != nil {
		return err
	}
	if err := l.check(g.w, min(g.h, t.h)); err != nil {
		return err
	}
	var fourth []byte // plane, of black ink or of premultiplied alpha
	planes := 1
	if t.planar && t.samples == 2 {
		planes = 2 // alpha must be sound, though it is not needed
	} else if t.planar && t.samples >= 3 {
		planes = 3
		unsaid := t.samples == 4 && t.extra == nil && t.compression != tiffRaw // libtiff takes it for premultiplied
		if t.photo == cmykSamples || unsaid || len(t.extra) > 0 && t.extra[0] == 1 {
			planes, fourth = 4, make([]byte, t.w*t.h)
		}
	}
	r := &tiffReader{t: t, ctx: ctx, limits: l, grid: g}
	for plane := range planes {
		for i := range g.across * g.down {
			if err := ctx.Err(); err != nil {
				return err
			}
			x, y := i%g.across*g.w, i/g.across*g.h
			w, h := min(g.w, t.w-x), min(g.h, t.h-y)
			rows, stride, err := r.block(plane*g.across*g.down+i, w, h)
			if err != nil {
				return fmt.Errorf("strip or tile %d: %w", plane*g.across*g.down+i+1, err)
			}
			for row := range h {
				out, in := img.Pix[3*((y+row)*t.w+x):][:3*w], rows[row*stride:]
				switch {
				case r.decoded:
					copy(out, in)
				case planes == 2 && plane == 1:
				case planes == 2:
					t.unpackFirst(out, in)
				case planes == 1:
					t.unpack(out, in)
				case plane < 3:
					t.unpackPlane(out[plane:], in, 3, w)
				default:
					t.unpackPlane(fourth[(y+row)*t.w+x:], in, 1, w)
				}
			}
		}
	}
	for i, v := range fourth {
		p := img.Pix[3*i : 3*i+3]
		if t.photo == cmykSamples {
			p[0], p[1], p[2] = inkRGB(p[0], p[1], p[2], v)
		} else {
			straighten(p, int(v))
		}
	}
	return nil
}

// unpackPlane spreads one plane's samples; of 16 bits the high byte counts.
func (t *tiffFile) unpackPlane(out, in []byte, step, w int) {
	size, high := t.bits/8, 0
	if t.bits == 16 && t.data[0] == 'I' {
		high = 1
	}
	for x := range w {
		out[step*x] = in[x*size+high]
	}
}

// unpackFirst reads a plane of gray or of palette indices, beside which another holds alpha.
func (t *tiffFile) unpackFirst(out, in []byte) {
	for x := range len(out) / 3 {
		v := in[x]
		c := [3]byte{v, v, v}
		if t.photo == paletteSamples {
			c = t.table[v]
		}
		copy(out[3*x:3*x+3], c[:])
	}
}

// tiffReader decompresses blocks.
type tiffReader struct {
	t       *tiffFile
	ctx     context.Context
	limits  Limits
	grid    tiffGrid
	buf     []byte
	decoded bool // blocks come as RGB
	ycc     *tiffYCC
	tables  []byte
}

// rowBytes are the bytes of a row of a block of width w.
func (r *tiffReader) rowBytes(w int) int {
	n := r.t.samples
	if r.t.planar {
		n = 1
	}
	return (w*n*r.t.bits + 7) / 8
}

// block is the i-th strip or tile, of which w columns and h rows lie within the picture, and the bytes of a row.
func (r *tiffReader) block(i, w, h int) (rows []byte, stride int, err error) {
	t, g := r.t, r.grid
	from, to := g.offsets[i], len(t.data)
	if from < 0 || from > to {
		return nil, 0, fmt.Errorf("it lies at byte %d, beyond the file's end", from)
	}
	stride = r.rowBytes(g.w)
	if t.compression == tiffRaw {
		if g.tiled && w == g.w || !g.tiled {
			stride = r.rowBytes(w)
		}
		need := (h-1)*stride + r.rowBytes(w)
		if need > to-from {
			return nil, 0, fmt.Errorf("it is cut off: %d bytes of %d", to-from, need)
		}
		return r.straight(t.data[from : from+need]), stride, nil
	}
	if n := g.counts[i]; n < to-from {
		to = from + max(n, 0)
	} else if n > to-from {
		return nil, 0, fmt.Errorf("it is cut off: %d bytes of %d", to-from, n)
	}
	if g.tiled {
		h = g.h
	}
	data := t.data[from:to]
	if t.compression == tiffJPEG {
		return r.jpegBlock(data, g.w, h)
	}
	if t.photo == ycbcrSamples && t.samples == 3 {
		return r.yccBlock(r.straight(data), g.w, h)
	}
	rows, err = r.inflate(r.straight(data), g.w, h, stride)
	return rows, stride, err
}

// straight turns the bits of each byte round where the lowest comes first, in a copy.
func (r *tiffReader) straight(data []byte) []byte {
	if !r.t.lowFirst {
		return data
	}
	out := make([]byte, len(data))
	for i, b := range data {
		out[i] = bits.Reverse8(b)
	}
	return out
}
