package picture

import (
	"context"
	"errors"
	"fmt"
)

// runs decodes run lengths as Pillow's BmpRleDecoder does, with its oddities: the last of an odd number of 4-bit pixels is
// dropped, and a jump reads the second pair of bytes after its code.
func (b *bmpFile) runs(ctx context.Context) (Image, error) {
	img := newImage(b.w, b.h)
	if b.bits != 4 && b.bits != 8 && b.bits != 1 {
		return img, fmt.Errorf("run lengths of %d bits a pixel", b.bits)
	}
	if b.ramp && b.colors == 2 {
		return img, errors.New("run lengths with a palette of black and white")
	}
	indices, err := b.runIndices(ctx)
	if err != nil {
		return img, err
	}
	table := b.table()
	for i, v := range indices {
		y := b.h - 1 - i/b.w
		if b.down {
			y = i / b.w
		}
		c := table[v]
		if b.ramp {
			c = [3]byte{v, v, v}
		}
		copy(img.Pix[3*(y*b.w+i%b.w):], c[:])
	}
	return img, nil
}

// runIndices are the numbers of the pixels in the file's order of rows.
func (b *bmpFile) runIndices(ctx context.Context) ([]byte, error) {
	all := b.w * b.h
	out := make([]byte, 0, all)
	add := func(n int, first, second byte) {
		n = min(n, all-len(out))
		for i := range n {
			if i%2 == 0 {
				out = append(out, first)
			} else {
				out = append(out, second)
			}
		}
	}
	x, at := 0, b.pixels
	short := fmt.Errorf("it ends before its last pixel")
	for steps := 0; len(out) < all; steps++ {
		if steps%4096 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if at > len(b.data)-2 {
			return nil, short
		}
		n, v := int(b.data[at]), b.data[at+1]
		at += 2
		switch {
		case n > 0:
			n = max(min(n, b.w-x), 0)
			if first, second := v, v; b.compression == bmpRLE4 {
				first, second = v>>4, v&15
				add(n, first, second)
			} else {
				add(n, first, second)
			}
			x += n
		case v == 0:
			if len(out)%b.w != 0 {
				add(b.w-len(out)%b.w, 0, 0)
			}
			x = 0
		case v == 1:
			return nil, short
		case v == 2:
			if at > len(b.data)-4 {
				return nil, short
			}
			add(int(b.data[at+2])+int(b.data[at+3])*b.w, 0, 0)
			x = len(out) % b.w
			at += 4
		default:
			n = int(v)
			if b.compression == bmpRLE4 {
				n /= 2
			}
			if at > len(b.data)-n {
				return nil, short
			}
			for _, p := range b.data[at : at+n] {
				if b.compression == bmpRLE4 {
					add(2, p>>4, p&15)
				} else {
					add(1, p, p)
				}
			}
			x += int(v)
			at = (at + n + 1) &^ 1 // runs begin at even bytes of the file
		}
	}
	return out, nil
}
