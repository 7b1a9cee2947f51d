package paint

// figures are people in bright robes before the scene, one for each group of things that is to be seen.
func (s *scene) figures() {
	for i := range 5 {
		// From the middle outward, so that few stand together.
		fx := 0.5 + mul(0.17, float64([5]int{0, 1, -1, 2, -2}[i])) + s.r.between(-0.03, 0.03)
		p := s.spot(fx, 0.87+s.r.between(-0.02, 0.02), s.group(i))
		tall := s.r.between(0.95, 1.1)
		s.oval(p, 0, 0.1, 0.075, 0.016, gray(0.1)) // the shadow
		s.poly(p, gray(0.08), point{-0.022, mul(-0.135, tall)}, point{0.022, mul(-0.135, tall)}, point{0.064, 0.104}, point{-0.064, 0.104})
		s.poly(p, s.tone(roleAccent, 0.93), point{-0.012, mul(-0.12, tall)}, point{0.012, mul(-0.12, tall)}, point{0.048, 0.09}, point{-0.048, 0.09})
		s.disc(p, 0, mul(-0.145, tall), 0.036, gray(0.08))
		s.disc(p, 0, mul(-0.145, tall), 0.024, s.tone(roleSkin, 0.8))
	}
}
