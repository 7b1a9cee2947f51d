package jpeg

// upsample brings a plane of w x h samples to the picture's size, hx and vx samples for one. 2:1 is filtered ("fancy"
// upsampling, a triangle over the nearest samples, but only over more than two columns); other ratios repeat samples.
func upsample(s []byte, w, h, hx, vx, width, height int) []byte {
	switch {
	case hx == 1 && vx == 1:
		return s
	case hx == 2 && vx == 1 && w > 2:
		return upsampleH(s, w, width, height)
	case hx == 1 && vx == 2:
		return upsampleV(s, w, h, height)
	case hx == 2 && vx == 2 && w > 2:
		return upsampleHV(s, w, h, width, height)
	}
	out := make([]byte, width*height)
	for y := range height {
		row := s[y/vx*w:]
		for x := range width {
			out[y*width+x] = row[x/hx]
		}
	}
	return out
}

func upsampleH(s []byte, w, width, height int) []byte {
	out := make([]byte, width*height)
	for y := range height {
		in, dst := s[y*w:(y+1)*w], out[y*width:(y+1)*width]
		for x := range dst {
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
			dst[x] = byte(v)
		}
	}
	return out
}

func upsampleV(s []byte, w, h, height int) []byte {
	out := make([]byte, w*height)
	for y := range height {
		near, far, bias := nearAndFar(s, w, h, y)
		for x := range w {
			out[y*w+x] = byte((3*int(near[x]) + int(far[x]) + bias) >> 2)
		}
	}
	return out
}

// nearAndFar are the row that holds row y of the picture, and the one on y's side of it; beyond the plane it is the same.
func nearAndFar(s []byte, w, h, y int) (near, far []byte, bias int) {
	n := y / 2
	f, bias := max(n-1, 0), 1
	if y&1 == 1 {
		f, bias = min(n+1, h-1), 2
	}
	return s[n*w : (n+1)*w], s[f*w : (f+1)*w], bias
}

func upsampleHV(s []byte, w, h, width, height int) []byte {
	out := make([]byte, width*height)
	sums := make([]int, w)
	for y := range height {
		near, far, _ := nearAndFar(s, w, h, y)
		for x := range sums {
			sums[x] = 3*int(near[x]) + int(far[x])
		}
		dst := out[y*width : (y+1)*width]
		for x := range dst {
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
			dst[x] = byte(v)
		}
	}
	return out
}
