package picture

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// pngFile is a PNG as Pillow reads it. Go's image/png refuses what Pillow shows: wrong checksums of image data, surplus
// rows, a missing end, transparency where it has no meaning.
type pngFile struct {
	data         []byte
	w, h         uint32
	depth, color byte
	known        bool // depth and color are a kind that PNG has
	interlaced   bool
	palette      []byte // nil for none
	trns         []byte // the last tRNS chunk; nil for none
	text         pngText
	frames       uint32 // that an animation announces; 0: none
	framed       bool   // a frame header was read
	bounds       [4]uint32
	sequence     int64 // number of the last frame chunk; -1: none yet
}

// pngKinds are the bit depths of each color type, as bits of a mask.
var pngKinds = map[byte]uint32{0: 1<<1 | 1<<2 | 1<<4 | 1<<8 | 1<<16, 2: 1<<8 | 1<<16, 3: 1<<1 | 1<<2 | 1<<4 | 1<<8, 4: 1<<8 | 1<<16, 6: 1<<8 | 1<<16}

func decodePNG(ctx context.Context, data []byte, l Limits) (img Image, orientation int, err error) {
	p := &pngFile{data: data, sequence: -1}
	at, err := p.open()
	if err != nil {
		return img, 0, damaged(err)
	}
	if p.w > 1<<31-1 || p.h > 1<<31-1 {
		return img, 0, damaged(errors.New("impossible size"))
	}
	if err := l.check(int(p.w), int(p.h)); err != nil {
		return img, 0, err
	}
	if err := l.checkMemory(3*int(p.w)*int(p.h), len(data)); err != nil {
		return img, 0, err
	}
	blocks, at, cut := p.imageData(at)
	if img, err = p.pixels(ctx, &blocks); err != nil {
		return Image{}, 0, err
	}
	if cut && len(blocks) > 1 {
		return Image{}, 0, damaged(errors.New("a chunk of image data that is not needed is cut off"))
	}
	if err := p.rest(at); err != nil {
		return Image{}, 0, damaged(err)
	}
	img.Key = p.key()
	if orientation, err = p.text.orientation(); err != nil {
		return Image{}, 0, err
	}
	return img, orientation, nil
}

// chunk is the head of the chunk at an offset: ok is false where there is none.
func (p *pngFile) chunk(at int) (name string, length int, ok bool) {
	if at > len(p.data)-8 {
		return "", 0, false
	}
	name = string(p.data[at+4 : at+8])
	for _, c := range []byte(name) {
		if c != '_' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return "", 0, false
		}
	}
	return name, int(binary.BigEndian.Uint32(p.data[at:])), true
}

// open reads the chunks before the image data, whose checksums must be right, and returns where that begins.
func (p *pngFile) open() (at int, err error) {
	for at = 8; ; {
		name, n, ok := p.chunk(at)
		switch {
		case !ok && at > len(p.data)-8:
			return 0, errors.New("it ends before its image data")
		case !ok:
			return 0, fmt.Errorf("at byte %d there is no chunk", at)
		case name == "IDAT":
			return at, p.opened()
		case name == "IEND", name == "fdAT":
			return 0, fmt.Errorf("a chunk %s stands before the image data", name)
		case n > len(p.data)-at-12:
			return 0, fmt.Errorf("chunk %s at byte %d is cut off", name, at)
		}
		body := p.data[at+8 : at+8+n]
		if crc32.ChecksumIEEE(p.data[at+4:at+8+n]) != binary.BigEndian.Uint32(p.data[at+8+n:]) {
			return 0, fmt.Errorf("chunk %s at byte %d has a wrong checksum", name, at)
		}
		if err := p.handle(name, body); err != nil {
			return 0, err
		}
		at += 12 + n
	}
}

// opened checks what is known when the image data begins.
func (p *pngFile) opened() error {
	switch {
	case p.w == 0 && p.h == 0 && !p.known:
		return errors.New("no header")
	case !p.known:
		return fmt.Errorf("color type %d with %d bits, which no PNG has", p.color, p.depth)
	case p.framed && p.bounds != [4]uint32{0, 0, p.w, p.h}:
		return errors.New("its image data covers a part of the picture only")
	case len(p.palette) > 3*256:
		return errors.New("a palette of more than 256 colors")
	}
	return nil
}

// handle reads a chunk. A fault in a chunk that the picture does not need is an error too, if Pillow makes it one.
func (p *pngFile) handle(name string, body []byte) error {
	least := map[string]int{"IHDR": 13, "gAMA": 4, "sRGB": 1, "pHYs": 9, "acTL": 8, "fcTL": 26, "fdAT": 4}[name]
	if len(body) < least {
		return fmt.Errorf("chunk %s has %d bytes", name, len(body))
	}
	be := binary.BigEndian
	switch name {
	case "IHDR":
		p.w, p.h, p.depth, p.color = be.Uint32(body), be.Uint32(body[4:]), body[8], body[9]
		p.known = p.depth <= 16 && pngKinds[p.color]>>p.depth&1 == 1
		p.interlaced = p.interlaced || body[12] != 0
		if body[11] != 0 {
			return fmt.Errorf("filter method %d", body[11])
		}
	case "CgBI":
		return errors.New("it is packed for an iOS application; unpack it with xcrun pngcrush -revert-iphone-optimizations")
	case "PLTE":
		if p.color == 3 {
			p.palette = body
		}
	case "tRNS":
		if need := map[byte]int{0: 2, 2: 6}[p.color]; len(body) < need {
			return fmt.Errorf("chunk tRNS has %d bytes", len(body))
		}
		p.trns = body
	case "cHRM":
		if len(body)%4 != 0 {
			return fmt.Errorf("chunk cHRM has %d bytes", len(body))
		}
	case "acTL":
		if n := be.Uint32(body); p.frames != 0 {
			p.frames = 0
		} else if n <= 0x80000000 {
			p.frames = n
		}
	case "fcTL", "fdAT":
		return p.frame(name, body)
	default:
		return p.text.handle(name, body)
	}
	return nil
}

// frame reads the head of an animation's frame, or skips its data. Their numbers must follow each other.
func (p *pngFile) frame(name string, body []byte) error {
	be := binary.BigEndian
	if n := int64(be.Uint32(body)); n != p.sequence+1 || name == "fdAT" && n == 0 {
		return errors.New("the frames of its animation are out of order")
	}
	p.sequence++
	if name == "fcTL" {
		w, h, x, y := uint64(be.Uint32(body[4:])), uint64(be.Uint32(body[8:])), uint64(be.Uint32(body[12:])), uint64(be.Uint32(body[16:]))
		if x+w > uint64(p.w) || y+h > uint64(p.h) {
			return errors.New("a frame lies beyond the picture")
		}
		p.framed, p.bounds = true, [4]uint32{uint32(x), uint32(y), uint32(x + w), uint32(y + h)}
	}
	return nil
}

// imageData are the bodies of the image data at an offset, the offset of the next chunk, and whether the last body is cut
// off. Checksums are not checked.
func (p *pngFile) imageData(at int) (bodies pngData, next int, cut bool) {
	for {
		name, n, ok := p.chunk(at)
		if !ok || name != "IDAT" && name != "DDAT" {
			return bodies, at, cut
		}
		from := at + 8
		cut = n > len(p.data)-from
		bodies = append(bodies, p.data[from:min(from+n, len(p.data))])
		at = from + n + 4
	}
}

// rest reads the chunks after the image data, which may still turn the picture or name its transparent color. A missing
// end does not matter.
func (p *pngFile) rest(at int) error {
	frames := max(p.frames, 1)
	if p.frames != 0 && !p.framed {
		frames++ // the picture stands outside the animation
	}
	for {
		name, n, ok := p.chunk(at)
		if !ok || name == "IEND" || name == "fcTL" && frames > 1 {
			return nil
		}
		if n > len(p.data)-at-8 {
			return fmt.Errorf("chunk %s at byte %d is cut off", name, at)
		}
		if name != "IDAT" {
			if err := p.handle(name, p.data[at+8:at+8+n]); err != nil {
				return err
			}
		}
		at += 12 + n
	}
}
