package paint

// cityscape is a skyline over a street. Then: near towers, their lit windows, the sun and clouds, a bridge with cars, cranes
// and an aeroplane.
func cityscape(s *scene) {
	street := s.r.between(0.78, 0.83)
	ground := mul(street, s.bottom)
	var tops [24]float64
	for i := range tops {
		tops[i] = s.r.between(0.1, 0.32)
	}
	s.sky(street, 0.62, 0.84)
	cityAir(s)
	s.wash(func(u, v float64, below tone) tone {
		i := int(clamp((u+0.5)/0.1, 0, 23)) // a house for every tenth
		top := ground - tops[i]
		far := s.tone(roleFar, 0.52+mul(0.03, float64(i&1)))
		road := s.tone(roleNear, 0.3).blend(gray(0.24), step(v-ground, 0, 0.2))
		return below.blend(far, s.edge(v-top)).blend(road, s.edge(v-ground))
	})
	s.flow = func(u, v float64) (float64, float64) {
		if v > ground || v < ground-0.4 {
			return 1, 0.1
		}
		return 0.12, 1
	}
	for i := range 4 {
		fx := []float64{s.third, s.third - 0.19, s.third + 0.17, s.other + 0.05}[i]
		tall := []float64{0.56, 0.36, 0.42, 0.47}[i] + s.r.between(-0.04, 0.04)
		role := []int{roleThing, roleOther, roleOther, roleThing}[i]
		tower := s.spot(fx, street, s.group(0))
		s.box(tower, 0, -tall/2, 0.08, tall/2, s.tone(role, 0.26))
		s.box(tower, 0.065, -tall/2, 0.015, tall/2, s.tone(role, 0.15))
		if i == 0 {
			s.poly(tower, s.tone(role, 0.2), point{-0.08, -tall}, point{0, -tall - 0.13}, point{0.08, -tall})
		} else {
			s.box(tower, 0, -tall, 0.05, 0.025, s.tone(role, 0.2))
		}
		windows := tower
		windows.alpha = s.group(1)
		for y := -tall + 0.06; y < -0.04; y += 0.07 {
			for _, x := range []float64{-0.05, -0.005, 0.04} {
				s.box(windows, x, y, 0.015, 0.02, s.tone(roleAccent, 0.88))
			}
		}
	}
	cityStreet(s, street)
}

func cityAir(s *scene) {
	sun := s.spot(s.other, 0.2, s.group(2))
	s.disc(sun, 0, 0, 0.11, s.tone(roleAccent, 0.95))
	for i := range 2 {
		c := s.spot([]float64{s.third, 0.56}[i], []float64{0.1, 0.26}[i], s.group(2))
		for j := range 3 {
			s.oval(c, mul(0.07, float64(j-1)), mul(0.02, float64(j&1))-0.01, 0.075, 0.032, gray(0.98))
		}
	}
	plane := s.spot(0.5, 0.12, s.group(4))
	s.line(plane, point{-0.1, 0.02}, point{0.1, -0.02}, 0.03, gray(0.1))
	s.line(plane, point{-0.02, -0.05}, point{0.03, 0.06}, 0.026, gray(0.1))
	s.line(plane, point{-0.1, 0.02}, point{-0.12, -0.03}, 0.02, gray(0.1))
	crane := s.spot(mix(s.other, 0.5, -0.85), 0.8, s.group(4))
	s.box(crane, 0, -0.22, 0.014, 0.3, gray(0.12))
	s.line(crane, point{-0.2, -0.48}, point{0.1, -0.48}, 0.022, gray(0.12))
	s.line(crane, point{-0.16, -0.48}, point{-0.16, -0.36}, 0.012, gray(0.12))
	s.line(crane, point{0, -0.55}, point{-0.18, -0.48}, 0.012, gray(0.12))
}

func cityStreet(s *scene, street float64) {
	bridge := s.spot(0.5, street+0.04, s.group(3))
	s.box(bridge, 0, 0, 0.48, 0.018, gray(0.9))
	for i := range 3 {
		s.arc(bridge, mul(0.3, float64(i-1)), 0.12, 0.11, 0.024, -1, gray(0.9))
	}
	for i := range 3 {
		car := s.spot(0.5+mul(0.26, float64(i-1))+s.r.between(-0.05, 0.05), street+0.015, s.group(3))
		s.box(car, 0, -0.02, 0.06, 0.022, s.tone(roleAccent, 0.42))
		s.box(car, 0, -0.05, 0.034, 0.016, s.tone(roleAccent, 0.42))
		s.disc(car, -0.033, 0.004, 0.018, gray(0.06))
		s.disc(car, 0.033, 0.004, 0.018, gray(0.06))
	}
}
