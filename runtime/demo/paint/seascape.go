package paint

import "math"

// seascape is waves below a sky. Then: a sailing boat, the sun and its glitter, a lighthouse, clouds and gulls, a small boat
// and a rock.
func seascape(s *scene) {
	horizon := s.r.between(0.38, 0.46)
	line := mul(horizon, s.bottom)
	phase := s.r.between(0, 6)
	s.sky(horizon, 0.7, 0.86)
	seascapeSky(s, horizon)
	crest := func(u, depth float64) float64 { // rows of waves that widen toward the viewer
		rows := mul(26, math.Sqrt(depth+0.02))
		return sin(rows + mul(0.8, sin(mul(14, u)/(1+mul(2, depth))+phase)))
	}
	s.wash(func(u, v float64, below tone) tone {
		depth := max(0, v-line)
		c := crest(u, depth)
		sea := s.tone(roleNear, 0.5-mul(0.2, depth)).lit(0.46 - mul(0.24, depth) + mul(0.1, c))
		sea = sea.blend(s.tone(roleFar, 0.82), mul(0.75, step(c, 0.82, 1)))
		return below.blend(sea, s.edge(v-line))
	})
	s.flow = func(u, v float64) (float64, float64) { return 1, mul(0.3, sin(mul(12, u)+phase)) }

	seascapeGlitter(s, horizon)
	boat := s.spot(s.third, horizon+0.22, s.group(0))
	s.poly(boat, s.tone(roleThing, 0.95), point{-0.015, -0.36}, point{-0.015, -0.06}, point{-0.17, -0.06})
	s.poly(boat, s.tone(roleAccent, 0.6), point{0.015, -0.32}, point{0.14, -0.06}, point{0.015, -0.06})
	s.line(boat, point{0, -0.38}, point{0, 0}, 0.018, gray(0.14))
	s.poly(boat, s.tone(roleThing, 0.2), point{-0.2, -0.035}, point{0.2, -0.035}, point{0.13, 0.05}, point{-0.13, 0.05})

	small := s.spot(s.other, 0.83, s.group(4))
	s.poly(small, s.tone(roleAccent, 0.3), point{-0.16, -0.02}, point{0.16, -0.02}, point{0.1, 0.05}, point{-0.1, 0.05})
	s.line(small, point{-0.12, -0.13}, point{0.12, 0.07}, 0.016, gray(0.15))
	s.disc(small, 0.02, -0.07, 0.032, gray(0.15))
	rock := s.spot(s.third-0.1, 0.95, s.group(4))
	s.oval(rock, 0, 0, 0.16, 0.07, s.tone(roleOther, 0.2))
	s.oval(rock, 0.1, 0.015, 0.1, 0.05, s.tone(roleOther, 0.3))
}

func seascapeSky(s *scene, horizon float64) {
	sun := s.spot(s.other-0.05, 0.16, s.group(1))
	s.disc(sun, 0, 0, 0.1, s.tone(roleAccent, 0.93))
	cape := s.spot(mix(s.other, 0.5, -0.75), horizon, s.group(2))
	s.oval(cape, 0, 0.04, 0.26, 0.13, s.tone(roleOther, 0.3))
	s.poly(cape, gray(0.95), point{-0.03, -0.3}, point{0.03, -0.3}, point{0.045, -0.05}, point{-0.045, -0.05})
	s.box(cape, 0, -0.2, 0.036, 0.025, s.tone(roleAccent, 0.36))
	s.box(cape, 0, -0.12, 0.042, 0.022, s.tone(roleAccent, 0.36))
	s.disc(cape, 0, -0.32, 0.035, gray(0.16))
	for i := range 2 {
		c := s.spot([]float64{s.third, 0.5}[i], []float64{0.09, 0.2}[i], s.group(3))
		for j := range 3 {
			s.oval(c, mul(0.07, float64(j-1)), mul(0.02, float64(j&1))-0.01, 0.075, 0.032, gray(0.98))
		}
	}
	for i := range 3 {
		b := s.spot(s.third+mul(0.12, float64(i)-1.2), 0.25+s.r.between(-0.03, 0.04), s.group(3))
		s.line(b, point{-0.05, -0.03}, point{0, 0}, 0.018, gray(0.12))
		s.line(b, point{0.05, -0.03}, point{0, 0}, 0.018, gray(0.12))
	}
}

// seascapeGlitter is the sun's on the water.
func seascapeGlitter(s *scene, horizon float64) {
	p := s.spot(s.other-0.05, horizon, s.group(1))
	for i := range 7 {
		t := float64(i) / 6
		s.oval(p, s.r.between(-0.03, 0.03), 0.04+mul(0.42, t), mix(0.05, 0.12, t), 0.011, s.tone(roleAccent, 0.88))
	}
}
