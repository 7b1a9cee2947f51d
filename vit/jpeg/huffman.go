package jpeg

import "errors"

// huffman is a table of codes, decoded by 8 bits of look-ahead and then bit by bit.
type huffman struct {
	look    [256]uint16 // length<<8 | symbol; 0: longer than 8 bits
	maxCode [18]int32   // largest code of each length, -1 if none; the last is a sentinel
	offset  [17]int32   // of the first symbol of each length, less its code
	symbols []byte
}

func newHuffman(counts []byte, symbols []byte, dc bool) (*huffman, error) {
	t := &huffman{symbols: symbols}
	code, at := int32(0), int32(0)
	for n := 1; n <= 16; n++ {
		count := int32(counts[n-1])
		t.offset[n] = at - code
		for range count {
			if n <= 8 {
				for pad := range 1 << (8 - n) {
					t.look[int(code)<<(8-n)|pad&(1<<(8-n)-1)] = uint16(n)<<8 | uint16(symbols[at])
				}
			}
			code, at = code+1, at+1
		}
		if code > 1<<n {
			return nil, errors.New("a damaged Huffman table: its codes overlap")
		}
		t.maxCode[n] = -1
		if count > 0 {
			t.maxCode[n] = code - 1
		}
		code <<= 1
	}
	t.maxCode[17] = 1<<31 - 1
	if dc {
		for _, s := range symbols {
			if s > 15 {
				return nil, errors.New("a damaged Huffman table: a DC difference of more than 15 bits")
			}
		}
	}
	return t, nil
}

// tables reads Huffman tables.
func (d *decoder) tables(seg []byte) error {
	for len(seg) > 0 {
		if len(seg) < 17 {
			return errors.New("a damaged Huffman table")
		}
		class, id := seg[0]>>4, seg[0]&15
		n := 0
		for _, c := range seg[1:17] {
			n += int(c)
		}
		if class > 1 || id > 3 || n > 256 || len(seg) < 17+n {
			return errors.New("a damaged Huffman table")
		}
		if err := d.setTable(class, id, seg[1:17], seg[17:17+n]); err != nil {
			return err
		}
		seg = seg[17+n:]
	}
	return nil
}

func (d *decoder) setTable(class, id byte, counts, symbols []byte) error {
	// Extra codes of a length would index past the look-ahead table: check before filling it.
	code := 0
	for n := 1; n <= 16; n++ {
		code += int(counts[n-1])
		if code > 1<<n {
			return errors.New("a damaged Huffman table: its codes overlap")
		}
		code <<= 1
	}
	t, err := newHuffman(counts, append([]byte(nil), symbols...), class == 0)
	if err != nil {
		return err
	}
	d.huff[class][id] = t
	return nil
}

// bits reads a scan's bits. At a marker, or at the end of the file, it goes on with zeros and remembers it.
type bits struct {
	d     *decoder
	acc   uint64
	n     int
	ended bool // a marker was reached
	short bool // zeros were made up: the data does not suffice
}

// fill makes at least 25 bits ready, if the data has them.
func (b *bits) fill() {
	for b.n <= 48 && !b.ended {
		data, pos := b.d.data, b.d.pos
		if pos >= len(data) {
			b.ended = true
			return
		}
		v := data[pos]
		if v == 0xff {
			next := pos + 1
			for next < len(data) && data[next] == 0xff {
				next++ // padding
			}
			if next >= len(data) {
				b.ended = true
				return
			}
			if data[next] != 0 {
				b.d.pos = next - 1
				b.ended = true
				return
			}
			b.d.pos = next + 1
		} else {
			b.d.pos = pos + 1
		}
		b.acc = b.acc<<8 | uint64(v)
		b.n += 8
	}
}

// need makes k bits ready, zeros if there are no more.
func (b *bits) need(k int) {
	if b.n >= k {
		return
	}
	b.fill()
	if b.n < k {
		b.short = true
		b.acc <<= 32
		b.n += 32
	}
}

// get reads k bits, at most 16.
func (b *bits) get(k int) int32 {
	if k == 0 {
		return 0
	}
	b.need(k)
	b.n -= k
	return int32(b.acc>>b.n) & (1<<k - 1)
}

// symbol decodes one code. A code that is in no table is 17 bits long and means 0.
func (b *bits) symbol(t *huffman) byte {
	if b.n < 8 {
		b.fill()
	}
	n := 1
	if b.n >= 8 {
		if l := t.look[byte(b.acc>>(b.n-8))]; l != 0 {
			b.n -= int(l >> 8)
			return byte(l)
		}
		n = 9
	}
	code := b.get(n)
	for code > t.maxCode[n] {
		code = code<<1 | b.get(1)
		n++
	}
	if n > 16 {
		return 0
	}
	return t.symbols[code+t.offset[n]]
}

// extend is the signed number that k bits v stand for.
func extend(v int32, k int) int32 {
	if k > 0 && v < 1<<(k-1) {
		return v - 1<<k + 1
	}
	return v
}

// reset drops what is left of the bits, before a restart.
func (b *bits) reset() { b.acc, b.n, b.ended = 0, 0, false }
