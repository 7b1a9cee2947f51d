package paint

import "math"

// within is how far the middle of pixel (x, y) lies in the quadrant of a flaw, 0..1, with a soft edge.
func (s *scene) within(f Flaw, x, y float64) float64 {
	if f == None {
		return 0
	}
	right := step(x-float64(s.w)/2, -2, 2)
	down := step(y-float64(s.h)/2, -2, 2)
	if f == UpperLeft || f == LowerLeft {
		right = 1 - right
	}
	if f == UpperLeft || f == UpperRight {
		down = 1 - down
	}
	return mul(right, down)
}

// light lets a pool of light fall on the focus: on a third in a balanced picture, and wide; into the corner in one that is
// not, and so narrow that the rest lies in the dark.
func (s *scene) light(p Params) {
	fx := mul(float64(s.w), mix(p.Focus[0], p.Corner[0], p.Crowding))
	fy := mul(float64(s.h), mix(p.Focus[1], p.Corner[1], p.Crowding))
	fall := mix(0.2, 0.8, p.Crowding)
	for y := range s.h {
		for x := range s.w {
			t := &s.pix[y*s.w+x]
			d := length(float64(x)+0.5-fx, float64(y)+0.5-fy) / s.size
			t.y = mul(t.y, 1.14-mul(fall, clamp(d, 0, 1.2)))
		}
	}
}

// hang shows the bare wall where a picture that hangs askew leaves it free.
func (s *scene) hang() {
	for y := range s.h {
		for x := range s.w {
			u, v := s.at(x, y)
			outside := max(s.edge(-u), s.edge(u-s.right), s.edge(-v), s.edge(v-s.bottom))
			t := &s.pix[y*s.w+x]
			*t = t.blend(gray(0.42), outside)
		}
	}
}

// blotch turns and strengthens hues in patches where colors clash.
func (s *scene) blotch(p Params, f Flaw, r stream) {
	turn, gain := newCloud(r), newCloud(r)
	for y := range s.h {
		for x := range s.w {
			fx, fy := float64(x), float64(y)
			m := s.within(f, fx+0.5, fy+0.5)
			discord := mix(p.Uneven, max(p.Uneven, 1-spoilt/100.0), m)
			n := mul(turn.at(fx/13, fy/13), 2.4) // noise rarely comes near its bounds
			angle := mul(mix(p.Clash, max(p.Clash, 2.2), m), n)
			k := 1 + mul(discord, mul(0.7, gain.at(fx/11, fy/11))+mul(0.9, m))
			t := &s.pix[y*s.w+x]
			si, co := sin(angle), cos(angle)
			t.b, t.r = mul(k, mul(t.b, co)-mul(t.r, si)), mul(k, mul(t.b, si)+mul(t.r, co))
		}
	}
}

// stroke paints the picture over with strokes along the flow, each of one color of the picture below it, with relief: light
// on one side, shadow on the other. A stroke ends where another color begins, so that it models things and hides none.
func (s *scene) stroke(p Params, f Flaw, r stream) {
	below := make([]tone, len(s.pix))
	copy(below, s.pix)
	wind := newCloud(r)
	for range s.w * s.h / 9 {
		x, y := r.between(0, float64(s.w)), r.between(0, float64(s.h))
		jitter, wide, long := r.between(-1, 1), r.between(1.2, 2), r.between(3.5, 6)
		amount := mul(p.Strokes, 1-s.within(f, x, y))
		s.bristle(below, brush{x, y, mul(long, 0.5+amount/2), wide, mul(0.16, amount), clamp(mul(1.3, amount), 0, 0.9), mul(mul(0.09, amount), jitter), wind.at(x/30, y/30)})
	}
}

// A brush is one stroke: its middle, half its length and width in pixels, how light and shadow differ across it, how much
// it covers, how much lighter it is than what lies below, and how far it leaves the flow.
type brush struct{ x, y, long, wide, relief, alpha, lighter, veer float64 }

// bristle lays one stroke.
func (s *scene) bristle(below []tone, o brush) {
	x, y, long, wide := o.x, o.y, o.long, o.wide
	t := below[int(y)*s.w+int(x)]
	dx, dy := s.flow(s.at(int(x), int(y)))
	dx, dy = dx-mul(0.5, mul(o.veer, dy)), dy+mul(0.5, mul(o.veer, dx))
	// The flow is the scene's, the stroke lies on the canvas.
	dx, dy = mul(dx, s.cos)-mul(dy, s.sin), mul(dx, s.sin)+mul(dy, s.cos)
	l := length(dx, dy)
	if l == 0 {
		return
	}
	dx, dy = dx/l, dy/l
	if dx < 0 {
		dx, dy = -dx, -dy // so that the light comes from above
	}
	ex, ey := mul(dx, long)+wide+1, mul(math.Abs(dy), long)+wide+1
	for j := max(0, int(y-ey)); j < min(s.h, int(y+ey)+1); j++ {
		for i := max(0, int(x-ex)); i < min(s.w, int(x+ex)+1); i++ {
			a, b := float64(i)+0.5-x, float64(j)+0.5-y
			across := mul(b, dx) - mul(a, dy)
			if across > wide+0.5 || across < -wide-0.5 {
				continue
			}
			along := mul(a, dx) + mul(b, dy)
			d := length(max(along-long, -along-long, 0), across) - wide
			if cover := clamp(0.5-d, 0, 1); cover > 0 {
				here := j*s.w + i
				cover = mul(cover, 1-step(t.far(below[here]), 0.05, 0.13))
				ink := t.lit(t.y + o.lighter - mul(o.relief, across/wide))
				s.pix[here] = s.pix[here].blend(ink, mul(o.alpha, cover))
			}
		}
	}
}

// flawGrain is the noise within a flaw, three times that of the barest surface, so that no picture is too weak to show it; and
// flawFade is how far what lies below it has faded into gray.
const flawGrain, flawFade = 0.3, 0.5

// threadWidth is that of two threads of the canvas, in pixels.
const threadWidth = 7

// finish adds the grain, and the weave of the canvas where the paint is thin, and turns tones into bytes.
func (s *scene) finish(p Params, f Flaw, r stream) []byte {
	var thread [threadWidth]float64
	for i := range thread {
		thread[i] = cos(mul(2*math.Pi/threadWidth, float64(i)))
	}
	out := make([]byte, 0, 3*len(s.pix))
	for i, t := range s.pix {
		m := s.within(f, float64(i%s.w)+0.5, float64(i/s.w)+0.5)
		t.y = mix(t.y, 0.5, mul(flawFade, m)) + mul(mix(p.Grain, max(p.Grain, flawGrain), m), r.between(-1, 1))
		t.y += mul(mix(p.Weave, max(p.Weave, 0.06), m), thread[i%s.w%threadWidth]+thread[i/s.w%threadWidth])
		c := t.rgb()
		out = append(out, c[:]...)
	}
	return out
}
