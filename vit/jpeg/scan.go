package jpeg

import (
	"errors"
	"fmt"
)

// scan is one scan under way.
type scan struct {
	d              *decoder
	bits           bits
	comps          []*component
	dc, ac         [4]*huffman // of each component of the scan
	pred           [4]int32
	ss, se, ah, al int
	eobRun         int
	restart        int  // MCUs until the next restart
	nextRST        byte // 0..7
	short          bool // the data ran out: blocks stay zero until a restart
}

// scan reads a scan header and the scan.
func (d *decoder) scan(seg []byte) error {
	if d.comps == nil {
		return errors.New("a scan before the frame header")
	}
	if len(seg) < 1 || seg[0] < 1 || seg[0] > 4 || len(seg) != 4+2*int(seg[0]) {
		return errors.New("a scan header of the wrong length")
	}
	n := int(seg[0])
	s := &scan{d: d, ss: int(seg[1+2*n]), se: int(seg[2+2*n]), ah: int(seg[3+2*n] >> 4), al: int(seg[3+2*n] & 15)}
	s.bits.d = d
	if !d.progressive {
		s.ss, s.se, s.ah, s.al = 0, 63, 0, 0
	} else if err := s.checkProgression(n); err != nil {
		return err
	}
	for i := range n {
		if err := s.addComponent(seg[1+2*i], seg[2+2*i]>>4, seg[2+2*i]&15); err != nil {
			return err
		}
	}
	d.scanned = true
	if err := d.countScan(s.comps); err != nil {
		return err
	}
	if d.scans == 1 {
		if err := d.allocate(!d.progressive && len(s.comps) == len(d.comps)); err != nil {
			return err
		}
	} else if d.direct {
		return errors.New("a second scan over a picture that is complete")
	}
	for _, c := range s.comps {
		c.sent(s.ss, s.se, s.al, d.scans)
	}
	s.restart = d.interval
	return s.run()
}

// maxScans is how many scans a file may have: an encoder writes about 10, and a file of a megabyte can hold 10,000 that
// each walk over the whole picture. libjpeg-turbo's own programs draw the line at 500 (djpeg -maxscans).
const maxScans = 500

// countScan counts a scan, and its blocks. 64 visits of every block would send each coefficient in a scan of its own.
func (d *decoder) countScan(comps []*component) error {
	d.scans++
	for _, c := range comps {
		d.visits += c.blocks
	}
	all := 0
	for _, c := range d.comps {
		all += c.blocks
	}
	if d.scans > maxScans || d.visits > 64*all+1<<20 {
		return fmt.Errorf("the file has more than %d scans over its picture; it was made to keep a decoder busy, so save it again as PNG or JPEG where it can be opened", d.scans-1)
	}
	return nil
}

func (s *scan) checkProgression(n int) error {
	ok := s.al <= 13 && (s.ah == 0 || s.ah == s.al+1)
	if s.ss == 0 {
		ok = ok && s.se == 0
	} else {
		ok = ok && s.ss <= s.se && s.se <= 63 && n == 1
	}
	if !ok {
		return fmt.Errorf("a progressive scan of coefficients %d to %d, bits %d to %d, of %d components, which no JPEG has", s.ss, s.se, s.ah, s.al, n)
	}
	return nil
}

func (s *scan) addComponent(id, td, ta byte) error {
	var c *component
	for _, x := range s.d.comps {
		if x.id == id {
			c = x
			break
		}
	}
	for _, x := range s.comps {
		if x == c {
			c = nil
		}
	}
	if c == nil || td > 3 || ta > 3 {
		return errors.New("a scan of an unknown component or table")
	}
	if c.quant == nil {
		if c.quant = s.d.quant[c.tq]; c.quant == nil {
			return errors.New("a quantization table is missing")
		}
	}
	i := len(s.comps)
	s.comps = append(s.comps, c)
	var err error
	if s.ss == 0 && s.ah == 0 {
		s.dc[i], err = s.d.table(0, td)
	}
	if s.se > 0 && err == nil {
		s.ac[i], err = s.d.table(1, ta)
	}
	return err
}

// table is a Huffman table, or the standard one of motion JPEG where the file has none.
func (d *decoder) table(class, id byte) (*huffman, error) {
	if d.huff[class][id] == nil {
		if id > 1 || d.progressive {
			return nil, errors.New("a Huffman table is missing")
		}
		std := standard[class][id]
		if err := d.setTable(class, id, std.counts[:], std.symbols); err != nil {
			return nil, err
		}
	}
	return d.huff[class][id], nil
}

func (s *scan) run() error {
	if len(s.comps) == 1 {
		c := s.comps[0]
		w, h := ceilDiv(c.width, 8), ceilDiv(c.height, 8)
		for y := range h {
			if err := s.d.ctx.Err(); err != nil {
				return err
			}
			for x := range w {
				s.good(y / int(c.v))
				s.beforeMCU()
				s.block(0, c, x, y)
				s.afterMCU()
			}
		}
		return nil
	}
	blocks := 0
	for _, c := range s.comps {
		blocks += int(c.h) * int(c.v)
	}
	if blocks > 10 {
		return fmt.Errorf("an MCU of %d blocks; at most 10 are allowed", blocks)
	}
	for my := range s.d.mcusY {
		if err := s.d.ctx.Err(); err != nil {
			return err
		}
		for mx := range s.d.mcusX {
			s.good(my)
			s.beforeMCU()
			for i, c := range s.comps {
				for y := range int(c.v) {
					for x := range int(c.h) {
						s.block(i, c, mx*int(c.h)+x, my*int(c.v)+y)
					}
				}
			}
			s.afterMCU()
		}
	}
	return nil
}

// good notes the row of MCUs up to which there are data.
func (s *scan) good(row int) {
	if !s.short {
		s.d.lastGood = row
	}
}

func (s *scan) beforeMCU() {
	if s.d.interval > 0 {
		if s.restart == 0 {
			s.resync()
		}
		s.restart--
	}
}

// afterMCU: once the data has run out within an MCU, the MCUs after it are left alone.
func (s *scan) afterMCU() { s.short = s.short || s.bits.short }

// resync goes to the restart marker that is due (jpeg_resync_to_restart).
func (s *scan) resync() {
	d := s.d
	s.bits.reset()
	found := false
	for !found {
		at := d.pos
		m, ok := d.nextMarker()
		if !ok {
			d.pos = at
			break
		}
		want := mRST0 + s.nextRST
		switch {
		case m == want:
			found = true
		case m < mSOF0:
			continue
		case m < mRST0 || m > mRST7, m == mRST0+(s.nextRST+1)&7, m == mRST0+(s.nextRST+2)&7:
			d.pos -= 2 // a later one, or the end: this interval is lost
			s.restarted(false)
			return
		case m == mRST0+(s.nextRST-1)&7, m == mRST0+(s.nextRST-2)&7:
			continue
		default:
			found = true
		}
	}
	s.restarted(found)
}

func (s *scan) restarted(fresh bool) {
	s.nextRST = (s.nextRST + 1) & 7
	s.restart = s.d.interval
	s.pred = [4]int32{}
	s.eobRun = 0
	s.bits.short = false
	if fresh {
		s.short = false
	} else {
		s.bits.ended = true // the first MCU of a lost interval is read from zeros, those after it are left alone
	}
}

// block decodes one block of a component.
func (s *scan) block(i int, c *component, x, y int) {
	if s.short {
		return
	}
	if s.d.direct {
		var b [64]int16
		s.baseline(i, &b)
		c.transform(&b, x, y)
		return
	}
	b := (*[64]int16)(c.coef[64*(y*c.blocksX+x):])
	switch {
	case !s.d.progressive:
		s.baseline(i, b)
	case s.ss == 0 && s.ah == 0:
		s.pred[i] += s.difference(i)
		b[0] = int16(s.pred[i] << s.al)
	case s.ss == 0:
		if s.bits.get(1) != 0 {
			b[0] |= 1 << s.al
		}
	case s.ah == 0:
		s.acFirst(b)
	default:
		s.acRefine(b)
	}
}

// difference decodes a DC difference.
func (s *scan) difference(i int) int32 {
	k := int(s.bits.symbol(s.dc[i]))
	return extend(s.bits.get(k), k)
}

func (s *scan) baseline(i int, b *[64]int16) {
	s.pred[i] += s.difference(i)
	b[0] = int16(s.pred[i])
	for k := 1; k < 64; k++ {
		rs := s.bits.symbol(s.ac[i])
		r, n := int(rs>>4), int(rs&15)
		if n == 0 {
			if r != 15 {
				return
			}
			k += 15
			continue
		}
		k += r
		b[natural[k]] = int16(extend(s.bits.get(n), n))
	}
}
