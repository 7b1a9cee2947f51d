package paint

// stillLife is a bowl on a table. Then: fruit in the bowl, a bottle, fruit and a cup beside, a window, a cloth and a knife.
func stillLife(s *scene) {
	top := s.r.between(0.58, 0.64)
	edge := mul(top, s.bottom)
	s.wash(func(u, v float64, _ tone) tone {
		wall := s.tone(roleLow, 0.62).blend(s.tone(roleSky, 0.5), step(u, 0, s.right))
		table := s.tone(roleNear, 0.42-mul(0.12, step(v-edge, 0, 0.3)))
		front := s.tone(roleFar, 0.22)
		return wall.blend(table, s.edge(v-edge)).blend(front, s.edge(v-s.bottom+0.07))
	})
	slant := s.r.sign()
	s.flow = func(_, v float64) (float64, float64) {
		if v > edge {
			return 1, 0.1
		}
		return 1, mul(0.9, slant)
	}

	w := s.spot(s.other, 0.24, s.group(3))
	s.box(w, 0, 0, 0.17, 0.2, s.tone(roleFar, 0.2))
	s.box(w, 0, 0, 0.145, 0.175, s.tone(roleSky, 0.9))
	s.box(w, 0, 0, 0.014, 0.175, s.tone(roleFar, 0.2))
	s.box(w, 0, 0, 0.145, 0.014, s.tone(roleFar, 0.2))

	bottle := s.spot(mix(s.third, s.other, 0.62), top+0.03, s.group(1))
	glass := s.tone(roleOther, 0.24)
	s.box(bottle, 0, -0.14, 0.062, 0.19, glass)
	s.oval(bottle, 0, -0.32, 0.062, 0.06, glass)
	s.box(bottle, 0, -0.4, 0.024, 0.1, glass)
	s.box(bottle, 0, -0.12, 0.062, 0.05, gray(0.85))
	s.box(bottle, -0.038, -0.25, 0.008, 0.08, gray(0.8))

	stillLifeCloth(s)
	stillLifeBowl(s, top)
	stillLifeBeside(s, top)
}

func stillLifeCloth(s *scene) {
	cloth := s.spot(s.third, 1, s.group(4))
	s.poly(cloth, gray(0.92), point{-0.2, -0.26}, point{0.2, -0.26}, point{0.26, 0}, point{-0.26, 0})
	for i := range 4 {
		x := mul(0.1, float64(i)-1.5)
		s.line(cloth, point{x, -0.24}, point{mul(1.3, x), 0}, 0.014, s.tone(roleAccent, 0.4))
	}
	s.line(cloth, point{-0.2, -0.13}, point{0.2, -0.13}, 0.014, s.tone(roleAccent, 0.4))
}

func stillLifeBowl(s *scene, top float64) {
	fruit := s.spot(s.third, top+0.02, s.group(0))
	s.ball(fruit, -0.13, -0.1, 0.085, s.tone(roleAccent, 0.5))
	s.ball(fruit, 0.13, -0.1, 0.08, s.tone(roleThing, 0.44))
	s.ball(fruit, 0, -0.14, 0.095, s.tone(roleAccent, 0.62))
	s.line(fruit, point{0.01, -0.23}, point{0.03, -0.28}, 0.016, gray(0.12))
	bowl := s.spot(s.third, top+0.02, 1)
	s.oval(bowl, 0, 0.12, 0.2, 0.03, s.tone(roleNear, 0.2)) // its shadow
	s.fill(bowl, 0, 0, 0.24, func(x, y float64) float64 {
		return max(ovalDistance(x, y+0.06, 0.24, 0.18), -y-0.06)
	}, func(x, y float64) tone { return s.tone(roleThing, 0.8-mul(0.28, step(x, -0.2, 0.25))) })
	s.box(bowl, 0, 0.12, 0.09, 0.016, s.tone(roleThing, 0.5))
	s.line(bowl, point{-0.23, -0.05}, point{0.23, -0.05}, 0.03, s.tone(roleThing, 0.93))
}

func stillLifeBeside(s *scene, top float64) {
	p := s.spot(s.other, top+0.16, s.group(2))
	s.oval(p, 0.02, 0.08, 0.15, 0.022, s.tone(roleNear, 0.18))
	s.ball(p, -0.08, 0, 0.085, s.tone(roleAccent, 0.55))
	s.ball(p, 0.09, 0.01, 0.075, s.tone(roleOther, 0.5))
	cup := s.spot(mix(s.other, 0.5, -0.75), top+0.06, s.group(2))
	s.arc(cup, 0.07, -0.02, 0.045, 0.02, -1, gray(0.9))
	s.arc(cup, 0.07, -0.02, 0.045, 0.02, 1, gray(0.9))
	s.box(cup, 0, -0.02, 0.07, 0.08, gray(0.93))
	s.oval(cup, 0, -0.1, 0.07, 0.022, s.tone(roleThing, 0.3))
	knife := s.spot(0.5, 0.9, s.group(4))
	s.line(knife, point{-0.22, 0.02}, point{0.02, -0.02}, 0.026, gray(0.95))
	s.line(knife, point{0.02, -0.02}, point{0.16, -0.045}, 0.04, gray(0.1))
}
