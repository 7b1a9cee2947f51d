package jpeg

// Where a progressive file leaves coefficients out, because scans are missing or cut off, libjpeg-turbo estimates them from
// the DC values of a block and its 24 neighbors (decompress_smooth_data in jdcoefct.c, since 2.1; the 3 x 3 form is section
// K.8 of the JPEG standard).

// smoothed is how many coefficients, in zigzag order, can be estimated, the DC one included.
const smoothed = 10

// progress is how well coefficients are known: the lowest bit that was sent, 0 for all of them, -1 for none.
type progress [64]int8

// unknown is what is known of rows that the first scan did not reach.
var unknown = func() (p progress) {
	for i := range p {
		p[i] = -1
	}
	return p
}()

// sent notes a scan of coefficients ss to se down to bit al. What was known before it is kept for the rows that it does not
// reach.
func (c *component) sent(ss, se, al, scan int) {
	for i := min(ss, 1); i <= max(se, smoothed-1); i++ {
		c.before[i] = c.known[i]
		if scan <= 1 {
			c.before[i] = 0
		}
	}
	for i := ss; i <= se; i++ {
		c.known[i] = int8(al)
	}
}

// smooths reports whether coefficients are to be estimated: every DC value is known in part, and some of those behind it
// are not known to the last bit.
func (d *decoder) smooths() bool {
	useful := false
	for _, c := range d.comps {
		if !d.progressive || c.quant == nil || c.known[0] < 0 {
			return false
		}
		for i := range smoothed {
			if c.quant[natural[i]] == 0 {
				return false
			}
			useful = useful || i > 0 && c.known[i] != 0
		}
	}
	return useful
}

// smoother estimates the coefficients of a component's blocks.
type smoother struct {
	d *decoder
	c *component
	// rows in which the whole image's blocks are counted, a row of MCUs after the other
	columns, height int
}

func (d *decoder) newSmoother(c *component) *smoother {
	return &smoother{d: d, c: c, columns: ceilDiv(c.width, 8), height: ceilDiv(c.height, 8)}
}

// dc is the DC value of a block.
func (s *smoother) dc(x, y int) int {
	return int(s.c.coef[64*(y*s.c.blocksX+min(max(x, 0), s.columns-1))])
}

// block is a copy of the block at (x, y) with estimates for what is not known.
func (s *smoother) block(x, y int) (b [64]int16) {
	c := s.c
	copy(b[:], c.coef[64*(y*c.blocksX+x):])
	v := int(c.v)
	mcuRow := y / v
	known := &c.known
	switch {
	case mcuRow <= s.d.lastGood:
	case s.d.scans > 1:
		known = &c.before
	default:
		known = &unknown
	}
	// libjpeg counts rows of blocks by those that the current row of MCUs has, which are fewer in the last one.
	inMCU := v
	if mcuRow == s.d.mcusY-1 && s.height%v != 0 {
		inMCU = s.height % v
	}
	at, last := mcuRow*inMCU+y%v, inMCU*s.d.mcusY-1
	rows := [5]int{y, y, y, y, y}
	if at > 0 {
		rows[1], rows[0] = y-1, y-1
	}
	if at > 1 {
		rows[0] = y - 2
	}
	if at < last {
		rows[3], rows[4] = y+1, y+1
	}
	if at < last-1 {
		rows[4] = y + 2
	}
	var n [25]int // the DC values around, row by row
	for r, row := range rows {
		for k := range 5 {
			n[5*r+k] = s.dc(x-2+k, row)
		}
	}
	if flat(&n) { // then nothing is to be estimated but noughts, and the DC value itself
		return b
	}
	bare := true // none but the DC values were ever sent
	for _, k := range known[1:smoothed] {
		bare = bare && k == -1
	}
	s.estimate(&b, &n, known, bare)
	return b
}

func flat(n *[25]int) bool {
	for _, v := range n[1:] {
		if v != n[0] {
			return false
		}
	}
	return true
}

// estimate fills in what is zero and not known to the last bit: weighted sums of the DC values, in 256ths.
func (s *smoother) estimate(b *[64]int16, n *[25]int, known *progress, bare bool) {
	q0 := int(s.c.quant[0])
	weights, count := &sparseWeights, 6
	if bare {
		weights, count = &bareWeights, smoothed
	}
	for i := 1; i < count; i++ {
		al := int(known[i])
		if al == 0 || b[natural[i]] != 0 {
			continue
		}
		b[natural[i]] = int16(predict(q0*weighted(n, &weights[i]), int(s.c.quant[natural[i]]), al))
	}
	if bare {
		b[0] = int16(predict(q0*weighted(n, &weights[0]), q0, 0))
	}
}

func weighted(n *[25]int, weights *[25]int16) (sum int) {
	for i, w := range weights {
		sum += int(w) * n[i]
	}
	return sum
}

// predict divides by a quantizer and 256, to the nearest; the bits below al, and no others, may come out.
func predict(num, q, al int) int {
	sign := 1
	if num < 0 {
		sign, num = -1, -num
	}
	pred := (q<<7 + num) / (q << 8)
	if al > 0 && pred >= 1<<al {
		pred = 1<<al - 1
	}
	return sign * pred
}

// bareWeights are the weights of the 25 DC values for coefficients 0 to 9 in zigzag order, where nothing but DC was sent.
var bareWeights = [smoothed][25]int16{
	{-2, -6, -8, -6, -2, -6, 6, 42, 6, -6, -8, 42, 152, 42, -8, -6, 6, 42, 6, -6, -2, -6, -8, -6, -2},
	{-1, -1, 0, 1, 1, -3, 13, 0, -13, 3, -3, 38, 0, -38, 3, -3, 13, 0, -13, 3, -1, -1, 0, 1, 1},
	{-1, -3, -3, -3, -1, -1, 13, 38, 13, -1, 0, 0, 0, 0, 0, 1, -13, -38, -13, 1, 1, 3, 3, 3, 1},
	{0, 0, 1, 0, 0, 0, 2, 7, 2, 0, 0, -5, -14, -5, 0, 0, 2, 7, 2, 0, 0, 0, 1, 0, 0},
	{-1, 0, 0, 0, 1, 0, 9, 0, -9, 0, 0, 0, 0, 0, 0, 0, -9, 0, 9, 0, 1, 0, 0, 0, -1},
	{0, 0, 0, 0, 0, 0, 2, -5, 2, 0, 1, 7, -14, 7, 1, 0, 2, -5, 2, 0, 0, 0, 0, 0, 0},
	{0, 0, 0, 0, 0, 0, 1, 0, -1, 0, 0, 2, 0, -2, 0, 0, 1, 0, -1, 0, 0, 0, 0, 0, 0},
	{0, 0, 0, 0, 0, 0, 1, -3, 1, 0, 0, 0, 0, 0, 0, 0, -1, 3, -1, 0, 0, 0, 0, 0, 0},
	{0, 0, 0, 0, 0, 0, 1, 0, -1, 0, 0, -3, 0, 3, 0, 0, 1, 0, -1, 0, 0, 0, 0, 0, 0},
	{0, 0, 0, 0, 0, 0, 1, 2, 1, 0, 0, 0, 0, 0, 0, 0, -1, -2, -1, 0, 0, 0, 0, 0, 0},
}

// sparseWeights are those for coefficients 1 to 5, where some others are known.
var sparseWeights = [smoothed][25]int16{
	1: {10: -7, 11: 50, 13: -50, 14: 7},
	2: {2: -7, 7: 50, 17: -50, 22: 7},
	3: {2: -1, 7: 13, 12: -24, 17: 13, 22: -1},
	4: {1: -1, 3: 1, 5: -1, 6: 10, 8: -10, 9: 1, 15: 1, 16: -10, 18: 10, 19: -1, 21: 1, 23: -1},
	5: {10: -1, 11: 13, 12: -24, 13: 13, 14: -1},
}
