package weights

import "slices"

// readRope reads the rotary embedding's base and sections as transformers 5
// does (convert_rope_params_to_dict): from rope_scaling (published) if it holds
// anything, else from rope_parameters (transformers 5); a rope_theta inside it
// goes before one beside it. Both "mrope" and "default" name plain frequencies:
// transformers rewrites one to the other. The sections must sum to half the
// width of a head.
func (m *Family) readRope(f *fields, half int) (theta float64, section []int) {
	class := m.class.Text
	r, other := ropeOf(f)
	for _, key := range []string{"type", "rope_type"} {
		r.textOr(key, "", "mrope", "default")
	}
	if section = class.MropeSection; r.has("mrope_section") {
		section = r.integers("mrope_section", 3, 3, 1, 1<<16)
	} else {
		r.read["mrope_section"] = true
		r.note("mrope_section", "is missing; the default of the class, %v, is used", section)
	}
	if len(section) == 3 && section[0]+section[1]+section[2] != half {
		r.fail("mrope_section", "%v sums to %d, but must sum to half the head width, %d", section, section[0]+section[1]+section[2], half)
	}
	switch {
	case r.has("rope_theta"):
		theta = readTheta(f, r, 0)
	case f.has("rope_theta"):
		theta = readTheta(f, r, 0)
	default:
		r.read["rope_theta"] = true
		theta = f.numberOf("rope_theta", 1, 1e15, class.RopeTheta)
	}
	r.onlyRope()
	if other != nil && *f.err == nil {
		tellOtherRope(other, theta, section)
	}
	return theta, section
}

// ropeOf is the object that transformers reads the rotary embedding from, which
// may be empty, and the other one where there are two.
func ropeOf(f *fields) (r, other *fields) {
	scaling, params := f.scope("rope_scaling"), f.scope("rope_parameters")
	switch {
	case len(scaling.obj) > 0 && len(params.obj) > 0:
		return scaling, params
	case len(scaling.obj) > 0:
		return scaling, nil
	case f.has("rope_scaling") && !f.has("rope_parameters"): // {}: named in what is said of it
		return scaling, nil
	}
	return params, nil
}

// readTheta reads the base from inside r, else from beside it; absent is the class's.
func readTheta(f, r *fields, absent float64) float64 {
	beside := f.numberOr("rope_theta", 1, 1e15, absent)
	theta := r.numberOr("rope_theta", 1, 1e15, beside)
	if theta != beside && f.has("rope_theta") && *f.err == nil {
		f.note("rope_theta", "is %g, and %srope_theta is %g, which is used", beside, r.prefix, theta)
	}
	return theta
}

// onlyRope refuses what a rotary embedding would be changed by and was not read.
func (f *fields) onlyRope() {
	for _, key := range sortedKeys(f.obj) {
		if !f.read[key] && !inert(f.obj[key]) {
			f.fail(key, "is not known and would change the rotary embedding; use a checkpoint without it")
		}
	}
}

// tellOtherRope notes where the object that is not used says something else.
func tellOtherRope(other *fields, theta float64, section []int) {
	aside := *other
	aside.err = new(error)
	if s := aside.obj["mrope_section"]; s != nil && !slices.Equal(aside.integers("mrope_section", 0, 3, 0, 1<<16), section) {
		other.note("mrope_section", "is %v, and rope_scaling says %v, which is used", s, section)
	}
	if t := aside.obj["rope_theta"]; t != nil && aside.numberOr("rope_theta", 0, 1e30, theta) != theta {
		other.note("rope_theta", "is %v, and %g is used, since rope_scaling goes before rope_parameters", t, theta)
	}
}

// readVisionTheta reads the base of the tower's rotary embedding from the same
// places; versions before 5 had 10000 in their code.
func (m *Family) readVisionTheta(f *fields) float64 {
	r, other := ropeOf(f)
	r.textOr("type", "", "axial", "default")
	r.textOr("rope_type", "axial", "axial", "default")
	theta := readTheta(f, r, m.class.Vision.RopeTheta)
	r.onlyRope()
	if other != nil && *f.err == nil {
		tellOtherRope(other, theta, nil)
	}
	return theta
}

// tellTopRope notes where the top level asks for another rotary embedding than
// text_config, which is used.
func (m *Family) tellTopRope(top *fields, c TextConfig) {
	for _, key := range []string{"rope_theta", "rope_scaling", "rope_parameters"} {
		if !top.has(key) {
			continue
		}
		aside := newFields(top.file, object{key: top.obj[key]})
		theta, section := m.readRope(aside, c.HeadDim/2)
		unread := *aside.err != nil && key != "rope_theta" // which has no sections, so that the class's may not fit
		if unread || aside.says("rope_theta") && theta != c.RopeTheta || aside.says("mrope_section") && !slices.Equal(section, c.MropeSection) {
			top.note(key, "asks for another rotary embedding than text_config, which is used")
		}
	}
}

// says reports whether a key is there, or inside rope_scaling or rope_parameters.
func (f *fields) says(key string) bool {
	for _, in := range []string{"rope_scaling", "rope_parameters"} {
		if o, ok := f.obj[in].(object); ok && o[key] != nil {
			return true
		}
	}
	return f.has(key)
}
