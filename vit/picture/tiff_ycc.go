package picture

import "fmt"

// tiffYCC converts YCbCr as libtiff's TIFFYCbCrToRGBInit prepares it: by tables with 16 fraction bits.
type tiffYCC struct {
	y, crR, cbB, crG, cbG [256]int32
}

func newTIFFYCC(luma, reference []float64) *tiffYCC {
	y := &tiffYCC{}
	red, green, blue := float32(luma[0]), float32(luma[1]), float32(luma[2])
	ref := make([]float32, 6)
	for i := range ref {
		ref[i] = float32(reference[i])
	}
	fix := func(v float32) int32 { return int32(float64(max(0, min(v, 2)))*65536 + 0.5) }
	f1, f3 := 2-2*red, 2-2*blue
	d1, d2, d3, d4 := fix(f1), -fix(red*f1/green), fix(f3), -fix(blue*f3/green)
	code := func(c int, black, white, top float32) int32 {
		span := white - black
		if span == 0 {
			span = 1
		}
		v := (float32(c) - float32(int32(black))) * top / span
		return int32(max(-128*32, min(v, 128*32)))
	}
	for i := range 256 {
		cr := code(i-128, ref[4]-128, ref[5]-128, 127)
		cb := code(i-128, ref[2]-128, ref[3]-128, 127)
		y.crR[i], y.cbB[i] = (d1*cr+1<<15)>>16, (d3*cb+1<<15)>>16
		y.crG[i], y.cbG[i] = d2*cr, d4*cb+1<<15
		y.y[i] = code(i, ref[0], ref[1], 255)
	}
	return y
}

func (y *tiffYCC) rgb(out []byte, l, cb, cr byte) {
	clip := func(v int32) byte { return byte(max(0, min(v, 255))) }
	out[0] = clip(y.y[l] + y.crR[cr])
	out[1] = clip(y.y[l] + (y.cbG[cb]+y.crG[cr])>>16)
	out[2] = clip(y.y[l] + y.cbB[cb])
}

// yccBlock decodes a block of YCbCr: units of across x down lumas with one pair of chromas, each chroma standing for all
// of its unit.
func (r *tiffReader) yccBlock(data []byte, w, h int) ([]byte, int, error) {
	t := r.t
	across, down := 2, 2
	if s := t.integers(tagYCbCrSubsampling); len(s) >= 2 {
		across, down = s[0], s[1]
	}
	for _, v := range []int{across, down} {
		if v != 1 && v != 2 && v != 4 {
			return nil, 0, fmt.Errorf("chroma sampled %d x %d", across, down)
		}
	}
	if t.number(tagPredictor, 1) != 1 && (across > 1 || down > 1) {
		return nil, 0, fmt.Errorf("a predictor over sampled chroma is not supported")
	}
	if r.ycc == nil {
		luma, reference := t.numbers(tagYCbCrCoefficients), t.numbers(tagReferenceBlackWhite)
		if len(luma) < 3 {
			luma = []float64{0.299, 0.587, 0.114}
		}
		if len(reference) < 6 {
			reference = []float64{0, 255, 128, 255, 128, 255}
		}
		r.ycc = newTIFFYCC(luma, reference)
	}
	unit := across*down + 2
	units, lines := ceilDiv(w, across), ceilDiv(h, down)
	rows, err := r.inflate(data, w, lines, units*unit)
	if err != nil {
		return nil, 0, err
	}
	r.decoded = true
	out := make([]byte, 3*w*h)
	for y := range h {
		for x := range w {
			u := rows[(y/down*units+x/across)*unit:][:unit]
			r.ycc.rgb(out[3*(y*w+x):], u[y%down*across+x%across], u[unit-2], u[unit-1])
		}
	}
	return out, 3 * w, nil
}
