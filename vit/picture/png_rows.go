package picture

import (
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io"
)

// pngData reads the bodies of image data as one stream.
type pngData [][]byte

func (d *pngData) Read(p []byte) (int, error) {
	for len(*d) > 0 && len((*d)[0]) == 0 {
		*d = (*d)[1:]
	}
	if len(*d) == 0 {
		return 0, io.EOF
	}
	n := copy(p, (*d)[0])
	(*d)[0] = (*d)[0][n:]
	return n, nil
}

// ReadByte keeps the inflater from reading ahead.
func (d *pngData) ReadByte() (byte, error) {
	var b [1]byte
	_, err := d.Read(b[:])
	return b[0], err
}

// adam7 are the passes of interlacing: first column and row, and the steps between columns and rows.
var adam7 = [7][4]int{{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}}

// pixels inflates the rows and turns them into RGB. Rows beyond the last are ignored. Missing rows are an error, though
// Pillow shows them black if the stream ends after a whole row.
func (p *pngFile) pixels(ctx context.Context, data *pngData) (Image, error) {
	img := newImage(int(p.w), int(p.h))
	z, err := zlib.NewReader(data)
	if err != nil {
		return img, damaged(fmt.Errorf("image data: %w", err))
	}
	defer z.Close()
	r := &pngRows{z: z, p: p, bits: int(p.depth) * map[byte]int{0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[p.color], table: p.colors()}
	passes := [][4]int{{0, 0, 1, 1}}
	if p.interlaced {
		passes = adam7[:]
	}
	for _, pass := range passes {
		w, h := ceilDiv(img.Width-pass[0], pass[2]), ceilDiv(img.Height-pass[1], pass[3])
		if w <= 0 || h <= 0 {
			continue
		}
		r.start(w)
		for i := range h {
			if err := ctx.Err(); err != nil {
				return img, err
			}
			y := pass[1] + i*pass[3]
			if err := r.next(); err != nil {
				return img, damaged(fmt.Errorf("image data, row %d of %d: %w", y+1, img.Height, err))
			}
			row := img.Pix[3*y*img.Width : 3*(y+1)*img.Width]
			if pass[2] == 1 {
				r.rgb(row)
				continue
			}
			r.rgb(r.wide)
			for x := range w {
				copy(row[3*(pass[0]+x*pass[2]):], r.wide[3*x:3*x+3])
			}
		}
	}
	if err := readAndCheck(z, nil); err != nil {
		return img, damaged(fmt.Errorf("behind the image data: %w", err))
	}
	return img, nil
}

// readAndCheck fills out from a zlib stream, and checks what follows as zlib does when its output is full: a checksum must
// be right, and a code must exist. More data, or the end of the file, do not matter.
func readAndCheck(z io.Reader, out []byte) error {
	if _, err := io.ReadFull(z, out); err != nil {
		return err
	}
	var more [1]byte
	if _, err := io.ReadFull(z, more[:]); err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	return nil
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// pngRows undoes the filters of one pass.
type pngRows struct {
	z         io.Reader
	p         *pngFile
	bits      int // a pixel
	table     [256][3]byte
	row, last []byte // behind a filter byte
	wide      []byte // a pass's row as RGB
}

func (r *pngRows) start(width int) {
	n := 1 + (width*r.bits+7)/8
	r.row, r.last, r.wide = make([]byte, n), make([]byte, n), make([]byte, 3*width)
}

// next reads a row.
func (r *pngRows) next() error {
	r.row, r.last = r.last, r.row
	if _, err := io.ReadFull(r.z, r.row); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("it is missing")
		}
		return err
	}
	row, last, step := r.row[1:], r.last[1:], (r.bits+7)/8
	switch r.row[0] {
	case 0:
	case 1:
		for i := step; i < len(row); i++ {
			row[i] += row[i-step]
		}
	case 2:
		for i := range row {
			row[i] += last[i]
		}
	case 3:
		for i := range row {
			left := 0
			if i >= step {
				left = int(row[i-step])
			}
			row[i] += byte((left + int(last[i])) / 2)
		}
	case 4:
		for i := range min(step, len(row)) {
			row[i] += last[i]
		}
		for i := step; i < len(row); i++ {
			row[i] += paeth(row[i-step], last[i], last[i-step])
		}
	default:
		return fmt.Errorf("filter %d, which no PNG has", r.row[0])
	}
	return nil
}

// paeth is the neighbor nearest to left + above - corner.
func paeth(left, above, corner byte) byte {
	a, b, c := int(left), int(above), int(corner)
	pa, pb, pc := abs(b-c), abs(a-c), abs(a+b-2*c)
	switch {
	case pa <= pb && pa <= pc:
		return left
	case pb <= pc:
		return above
	}
	return corner
}

func abs(x int) int { return max(x, -x) }

// rgb writes the row's pixels as Pillow's convert("RGB") does: 16 bits lose the low byte, but a gray of 16 bits is cut off at
// 255; alpha is dropped.
func (r *pngRows) rgb(out []byte) {
	row, n := r.row[1:], len(out)/3
	switch key := int(r.p.color)<<8 | int(r.p.depth); key {
	case 2<<8 | 8:
		copy(out, row)
	case 2<<8 | 16:
		for i := range out {
			out[i] = row[2*i]
		}
	case 6<<8 | 8, 6<<8 | 16:
		size := int(r.p.depth) / 8
		for i := range n {
			for c := range 3 {
				out[3*i+c] = row[(4*i+c)*size]
			}
		}
	case 4<<8 | 8, 4<<8 | 16:
		size := int(r.p.depth) / 8
		for i := range n {
			v := row[2*i*size]
			out[3*i], out[3*i+1], out[3*i+2] = v, v, v
		}
	case 16:
		for i := range n {
			v := row[2*i+1]
			if row[2*i] != 0 {
				v = 255
			}
			out[3*i], out[3*i+1], out[3*i+2] = v, v, v
		}
	default: // gray and palettes of up to 8 bits
		depth := int(r.p.depth)
		for i := range n {
			v := row[i*depth/8] >> (8 - depth - i*depth%8) & (1<<depth - 1)
			copy(out[3*i:3*i+3], r.table[v][:])
		}
	}
}

// colors are what numbers of up to 8 bits stand for: palette entries, black beyond its end, or grays.
func (p *pngFile) colors() (table [256][3]byte) {
	if p.color == 3 {
		for i := range len(p.palette) / 3 {
			table[i] = [3]byte(p.palette[3*i:])
		}
		return table
	}
	for v := range 1 << min(p.depth, 8) {
		g := byte(v * 255 / (1<<min(p.depth, 8) - 1))
		table[v] = [3]byte{g, g, g}
	}
	return table
}
