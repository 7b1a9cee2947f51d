package paint

// figures are people in bright robes who stand in a row before the picture and look on, as many as n is whole, and one more
// who is smaller.
func (s *scene) figures(n float64, r stream) {
	s.upright()
	for i := 0; float64(i) < n && i < 5; i++ {
		// From the middle outward.
		fx := 0.5 + mul(0.18, float64([5]int{0, 1, -1, 2, -2}[i])) + r.between(-0.015, 0.015)
		p := s.fixed(fx, 0.985, 1)
		p.scale = mul(r.between(0.95, 1.05), grown(n, i))
		s.poly(p, gray(black), point{-0.022, -0.15}, point{0.022, -0.15}, point{0.07, 0}, point{-0.07, 0})
		s.poly(p, s.tone(roleAccent, 0.93), point{-0.012, -0.14}, point{0.012, -0.14}, point{0.054, -0.012}, point{-0.054, -0.012})
		s.disc(p, 0, -0.165, 0.038, gray(black))
		s.disc(p, 0, -0.165, 0.025, s.tone(roleSkin, 0.8))
	}
}
