package paint

// nightSky is two swirls above dark hills. Then: the moon, stars, a cypress, a village with lit windows, a comet and more
// stars.
func nightSky(s *scene) {
	phase := s.r.between(0, 6)
	ground := func(u float64) float64 { return mul(0.83, s.bottom) + mul(0.045, sin(mul(5, u)+phase)) }
	one, two := s.spot(s.third, 0.42, 1), s.spot(mix(s.other, 0.5, -0.3), 0.22, 1)
	eddies := [2]spot{one, two}
	reach := [2]float64{0.3, 0.2}
	s.flow = func(u, v float64) (float64, float64) {
		x, y := 0.5, mul(0.15, sin(mul(6, u)+phase))
		for i, e := range eddies {
			a, b := u-e.u, v-e.v
			pull := step(1.35-length(a, b)/mul(reach[i], e.scale), 0, 0.6)
			x, y = x-mul(mul(9, pull), b), y+mul(mul(9, pull), a)
		}
		return x, y
	}
	s.wash(func(u, v float64, _ tone) tone {
		drift := sin(mul(16, v) + mul(1.2, sin(mul(6, u)+phase)))
		sky := s.tone(roleSky, 0.26+mul(0.07, drift)).blend(s.tone(roleLow, 0.34+mul(0.07, drift)), step(v, 0.1, 0.8))
		for i, e := range eddies {
			a, b := (u-e.u)/e.scale/reach[i], (v-e.v)/e.scale/reach[i]
			d := length(a, b)
			if d < 1.15 {
				band := sin(mul(15, d) + mul(1.1, sin(mul(2, a)+phase)))
				swirl := s.tone(roleFar, 0.52+mul(0.2, band)-mul(0.1, d))
				sky = sky.blend(swirl, step(1.15-d, 0, 0.3))
			}
		}
		return sky
	})
	nightLights(s)
	s.wash(func(u, v float64, below tone) tone {
		return below.blend(s.tone(roleNear, 0.13), s.edge(v-ground(u)))
	})
	nightVillage(s)
	tree := s.spot(mix(s.third, 0.5, -0.95), 0.92, s.group(2))
	for i, x := range []float64{-0.05, 0.05, 0} {
		tall := []float64{0.24, 0.28, 0.36}[i]
		s.oval(tree, x, -tall+0.06, 0.065, tall, s.tone(roleOther, 0.06+mul(0.02, float64(i))))
	}
}

func nightLights(s *scene) {
	moon := s.spot(mix(s.third, 0.5, -0.45), 0.15, s.group(0))
	moon.soft = 7
	s.disc(moon, 0, 0, 0.13, s.tone(roleAccent, 0.5))
	moon.soft = 1
	s.fill(moon, 0, 0, 0.12, func(x, y float64) float64 {
		return max(length(x, y)-0.115, 0.095-length(x-0.055, y+0.02))
	}, flat(s.tone(roleAccent, 0.93)))
	star := func(fx, fy, alpha, r float64) {
		p := s.spot(fx, fy, alpha)
		p.soft = 5
		s.disc(p, 0, 0, mul(1.7, r), s.tone(roleAccent, 0.6))
		p.soft = 1
		s.disc(p, 0, 0, r, s.tone(roleAccent, 0.97))
	}
	for i := range 7 {
		star(s.r.between(0.06, 0.94), mix(0.06, 0.62, (float64(i)+s.r.unit())/7), s.group(1), s.r.between(0.026, 0.036))
	}
	for range 5 {
		star(s.r.between(0.06, 0.94), s.r.between(0.05, 0.6), s.group(4), 0.028)
	}
	comet := s.spot(s.other, 0.5, s.group(4))
	for i := range 6 {
		t := float64(i) / 5
		s.line(comet, point{mul(-0.2, t), mul(0.1, t)}, point{mul(-0.2, t) - 0.05, mul(0.1, t) + 0.025}, mix(0.06, 0.012, t), s.tone(roleAccent, mix(0.95, 0.6, t)))
	}
}

func nightVillage(s *scene) {
	for i := range 5 {
		p := s.spot(s.other+mul(0.12, float64(i)-2), 0.87+mul(0.03, float64(i&1)), s.group(3))
		s.box(p, 0, 0, 0.055, 0.05, s.tone(roleThing, 0.34))
		s.poly(p, s.tone(roleThing, 0.2), point{-0.07, -0.045}, point{0, -0.12}, point{0.07, -0.045})
		s.box(p, 0, 0.005, 0.022, 0.024, s.tone(roleAccent, 0.88))
	}
	church := s.spot(s.other, 0.82, s.group(3))
	s.box(church, 0, 0.02, 0.026, 0.1, s.tone(roleThing, 0.4))
	s.poly(church, s.tone(roleThing, 0.22), point{-0.035, -0.07}, point{0, -0.2}, point{0.035, -0.07})
}
