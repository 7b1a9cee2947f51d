package paint

// portrait is a head and shoulders. Then: the face, hair, a collar and a necklace, a hat, a picture and a plant behind.
func portrait(s *scene) {
	s.wash(func(u, v float64, _ tone) tone {
		return s.tone(roleLow, 0.6).blend(s.tone(roleSky, 0.44), step(mul(0.6, u)+v, 0.1, 1.3))
	})
	slant := mul(0.8, s.r.sign())
	s.flow = func(u, v float64) (float64, float64) { return 1, slant + mul(0.5, sin(mul(5, u))) }

	portraitRoom(s)
	across := mix(s.third, 0.5, 0.25)
	alpha := s.group(1)
	body := s.spot(across, 0.43, 1)
	long := s.r.between(0.24, 0.34)
	hair := body
	hair.alpha = alpha
	s.oval(hair, 0, -0.04, 0.2, 0.24, s.tone(roleOther, 0.16))
	s.box(hair, 0, long/2, 0.185, long/2, s.tone(roleOther, 0.16))

	s.oval(body, 0, 0.53, 0.38, 0.26, s.tone(roleThing, 0.32))
	s.box(body, 0, 0.78, 0.38, 0.25, s.tone(roleThing, 0.32))
	s.box(body, 0, 0.22, 0.065, 0.12, s.tone(roleSkin, 0.64))
	portraitDress(s, body)
	s.fill(body, 0, 0, 0.21, func(x, y float64) float64 { return ovalDistance(x, y, 0.155, 0.205) }, func(x, y float64) tone {
		return s.tone(roleSkin, 0.82-mul(0.16, step(x, -0.1, 0.16)))
	})
	s.fill(hair, 0, -0.1, 0.2, func(x, y float64) float64 { // over the forehead
		return max(ovalDistance(x, y+0.01, 0.17, 0.22), y+0.09+mul(0.4, x))
	}, flat(s.tone(roleOther, 0.2)))
	portraitFace(s, body)

	hat := body
	hat.alpha = s.group(3)
	s.fill(hat, 0, -0.22, 0.2, func(x, y float64) float64 { return max(ovalDistance(x, y+0.14, 0.16, 0.19), y+0.13) }, flat(s.tone(roleAccent, 0.46)))
	s.oval(hat, 0, -0.14, 0.28, 0.042, s.tone(roleAccent, 0.52))
	s.box(hat, 0, -0.18, 0.155, 0.022, gray(0.92))
}

func portraitFace(s *scene, face spot) {
	face.alpha = s.group(0)
	for _, x := range []float64{-0.065, 0.065} {
		s.oval(face, x, -0.01, 0.038, 0.024, gray(0.97))
		s.disc(face, x, -0.01, 0.021, gray(0.08))
		s.line(face, point{x - 0.04, -0.055}, point{x + 0.04, -0.06}, 0.018, gray(0.14))
	}
	s.line(face, point{0.005, 0}, point{0.022, 0.065}, 0.015, s.tone(roleSkin, 0.42))
	s.line(face, point{-0.012, 0.068}, point{0.022, 0.065}, 0.015, s.tone(roleSkin, 0.42))
	s.oval(face, 0, 0.122, 0.058, 0.021, s.tone(roleAccent, 0.3))
}

func portraitDress(s *scene, body spot) {
	body.alpha = s.group(2)
	s.poly(body, gray(0.95), point{-0.2, 0.34}, point{-0.055, 0.27}, point{0, 0.52})
	s.poly(body, gray(0.95), point{0.055, 0.27}, point{0.2, 0.34}, point{0, 0.52})
	for i := range 7 {
		x := mul(0.04, float64(i-3))
		s.disc(body, x, 0.35-mul(5, mul(x, x)), 0.021, s.tone(roleAccent, 0.66))
	}
	for i := range 2 {
		s.disc(body, 0, 0.58+mul(0.08, float64(i)), 0.02, gray(0.95))
	}
}

func portraitRoom(s *scene) {
	frame := s.spot(mix(s.other, 0.5, -0.5), 0.24, s.group(4))
	s.box(frame, 0, 0, 0.13, 0.16, s.tone(roleFar, 0.16))
	s.box(frame, 0, 0, 0.1, 0.13, gray(0.92))
	s.poly(frame, s.tone(roleNear, 0.36), point{-0.1, 0.13}, point{-0.02, -0.06}, point{0.1, 0.13})
	plant := s.spot(mix(s.third, 0.5, -1.1), 0.8, s.group(4))
	for i := range 5 {
		x := mul(0.07, float64(i-2))
		s.line(plant, point{0, 0}, point{x, -0.3 + mul(6, mul(x, x))}, 0.028, s.tone(roleNear, 0.24))
	}
	s.box(plant, 0, 0.07, 0.075, 0.08, s.tone(roleAccent, 0.5))
}
