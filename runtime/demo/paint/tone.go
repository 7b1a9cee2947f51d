package paint

import "math"

// A tone is a color as luma (0..1) and the two differences of BT.601, Cb and Cr (-0.5..0.5). Hue is the angle of (b, r),
// strength its length: so the palette moves without the light, and the light without the palette.
type tone struct{ y, b, r float64 }

// lit is the tone with another luma.
func (t tone) lit(y float64) tone { return tone{y, t.b, t.r} }

// far is how much two tones differ.
func (t tone) far(o tone) float64 {
	return max(math.Abs(t.y-o.y), math.Abs(t.b-o.b), math.Abs(t.r-o.r))
}

// blend goes from t (a = 0) to o (a = 1).
func (t tone) blend(o tone, a float64) tone {
	return tone{mix(t.y, o.y, a), mix(t.b, o.b, a), mix(t.r, o.r, a)}
}

// rgb is the color in bytes. A strength that does not fit its luma is weakened until it does, the hue stays.
func (t tone) rgb() [3]byte {
	y := clamp(t.y, 0, 1)
	d := [3]float64{mul(1.402, t.r), mul(-0.344136, t.b) - mul(0.714136, t.r), mul(1.772, t.b)}
	fit := 1.0
	for _, x := range d {
		if x > 1-y {
			fit = min(fit, (1-y)/x)
		} else if x < -y {
			fit = min(fit, -y/x)
		}
	}
	var out [3]byte
	for i, x := range d {
		out[i] = byte(math.Floor(mul(255, clamp(y+mul(x, fit), 0, 1)) + 0.5))
	}
	return out
}

// The roles of a palette. Neighbors in this list are far apart in a palette that clashes.
const (
	roleSky = iota
	roleLow // sky near the horizon, the wall behind things
	roleFar
	roleNear
	roleThing
	roleOther
	roleSkin
	roleAccent // the complement of a harmonious palette, for what should be seen first
	roles
)

// A palette gives each role a hue and a strength.
type palette [roles]struct{ b, r float64 }

// newPalette makes a palette about a hue (radians). Harmony 1 holds all hues but the accent within spread of it, harmony 0
// lets them go all around the wheel, strong and faint in turn.
func newPalette(r stream, hue, spread, uneven float64) palette {
	// Shares of the spread, in an order that sets roles that touch apart.
	shares := [roles]float64{-0.55, 0.75, -0.15, 1, -1, 0.4, -0.8, 0}
	flip := r.sign()
	var p palette
	for i, share := range shares {
		angle := hue + mul(mul(flip, spread), share+r.between(-0.1, 0.1))
		if i == roleAccent {
			angle += math.Pi
		}
		strength := 0.13 + r.between(-0.01, 0.01)
		if i == roleAccent {
			strength = 0.2
		}
		if i%2 == 0 {
			strength += mul(uneven, 0.14)
		} else {
			strength -= mul(uneven, 0.03)
		}
		p[i].b, p[i].r = mul(strength, cos(angle)), mul(strength, sin(angle))
	}
	return p
}

// tone is a role's color at a luma.
func (p *palette) tone(role int, y float64) tone { return tone{y, p[role].b, p[role].r} }

// gray has no hue.
func gray(y float64) tone { return tone{y: y} }
