package jpeg

// acFirst decodes the first bits of a block's coefficients ss to se.
func (s *scan) acFirst(b *[64]int16) {
	if s.eobRun > 0 {
		s.eobRun--
		return
	}
	for k := s.ss; k <= s.se; k++ {
		rs := s.bits.symbol(s.ac[0])
		r, n := int(rs>>4), int(rs&15)
		if n != 0 {
			k += r
			b[natural[k]] = int16(extend(s.bits.get(n), n) << s.al)
			continue
		}
		if r != 15 {
			s.eobRun = 1<<r + int(s.bits.get(r)) - 1
			return
		}
		k += 15
	}
}

// acRefine adds one bit to coefficients ss to se of a block: to those that are not zero, and by new ones.
func (s *scan) acRefine(b *[64]int16) {
	bit := int16(1) << s.al
	k := s.ss
	if s.eobRun == 0 {
		for ; k <= s.se; k++ {
			rs := s.bits.symbol(s.ac[0])
			r, n := int(rs>>4), rs&15
			value := int16(0)
			if n != 0 {
				value = -bit
				if s.bits.get(1) != 0 {
					value = bit
				}
			} else if r != 15 {
				s.eobRun = 1<<r + int(s.bits.get(r))
				break
			}
			for ; k <= s.se; k++ {
				if c := &b[natural[k]]; *c != 0 {
					s.refine(c, bit)
				} else if r--; r < 0 {
					break
				}
			}
			if value != 0 {
				b[natural[k]] = value
			}
		}
	}
	if s.eobRun > 0 {
		for ; k <= s.se; k++ {
			if c := &b[natural[k]]; *c != 0 {
				s.refine(c, bit)
			}
		}
		s.eobRun--
	}
}

// refine reads the next bit of a coefficient that is not zero.
func (s *scan) refine(c *int16, bit int16) {
	if s.bits.get(1) == 0 || *c&bit != 0 {
		return
	}
	if *c >= 0 {
		*c += bit
	} else {
		*c -= bit
	}
}
