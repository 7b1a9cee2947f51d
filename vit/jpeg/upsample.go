package jpeg

// upsampler brings a component's plane to the picture's width and height, a row at a time: hx and vx samples for one. 2:1 is
// filtered ("fancy" upsampling, a triangle over the nearest samples, but only over more than two columns); other ratios
// repeat samples.
type upsampler struct {
	s      []byte // the plane
	w, h   int    // of it
	hx, vx int
	sums   []int
	out    []byte // a row of the picture
}

func newUpsampler(s []byte, w, h, hx, vx, width int) *upsampler {
	return &upsampler{s: s, w: w, h: h, hx: hx, vx: vx, sums: make([]int, w), out: make([]byte, width)}
}

// row is row y of the picture. It holds until the next call.
func (u *upsampler) row(y int) []byte {
	switch {
	case u.hx == 1 && u.vx == 1:
		return u.s[y*u.w : (y+1)*u.w]
	case u.hx == 2 && u.vx == 1 && u.w > 2:
		u.across(y)
	case u.hx == 1 && u.vx == 2:
		near, far, bias := u.nearAndFar(y)
		for x := range u.out {
			u.out[x] = byte((3*int(near[x]) + int(far[x]) + bias) >> 2)
		}
	case u.hx == 2 && u.vx == 2 && u.w > 2:
		u.both(y)
	default:
		row := u.s[y/u.vx*u.w:]
		for x := range u.out {
			u.out[x] = row[x/u.hx]
		}
	}
	return u.out
}

// across filters along a row.
func (u *upsampler) across(y int) {
	in, w := u.s[y*u.w:(y+1)*u.w], u.w
	for x := range u.out {
		i := x / 2
		v := 3 * int(in[i])
		switch {
		case x == 0:
			v = int(in[0])
		case x == 2*w-1:
			v = int(in[w-1])
		case x&1 == 0:
			v = (v + int(in[i-1]) + 1) >> 2
		default:
			v = (v + int(in[i+1]) + 2) >> 2
		}
		u.out[x] = byte(v)
	}
}

// nearAndFar are the row that holds row y of the picture, and the one on y's side of it; beyond the plane it is the same.
func (u *upsampler) nearAndFar(y int) (near, far []byte, bias int) {
	n := y / 2
	f, bias := max(n-1, 0), 1
	if y&1 == 1 {
		f, bias = min(n+1, u.h-1), 2
	}
	return u.s[n*u.w : (n+1)*u.w], u.s[f*u.w : (f+1)*u.w], bias
}

// both filters along rows and columns.
func (u *upsampler) both(y int) {
	near, far, _ := u.nearAndFar(y)
	for x := range u.sums {
		u.sums[x] = 3*int(near[x]) + int(far[x])
	}
	sums, w := u.sums, u.w
	for x := range u.out {
		i := x / 2
		v := 3 * sums[i]
		switch {
		case x == 0:
			v = (4*sums[0] + 8) >> 4
		case x == 2*w-1:
			v = (4*sums[w-1] + 7) >> 4
		case x&1 == 0:
			v = (v + sums[i-1] + 8) >> 4
		default:
			v = (v + sums[i+1] + 7) >> 4
		}
		u.out[x] = byte(v)
	}
}
