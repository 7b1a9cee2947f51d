package jinja

import "fmt"

// rest is what is left of the arguments after the first ones.
func rest(a *args, from int) *args {
	return &args{a.list[min(from, len(a.list)):], a.named}
}

func mapped(f *frame, x any, a *args) (any, error) {
	if !truth(x) {
		return generator(nil), nil
	}
	items, err := iterate(x)
	if err != nil {
		return nil, err
	}
	out := make([]any, len(items))
	if len(a.list) == 0 {
		v, err := a.bind("attribute", "default")
		if err != nil {
			return nil, err
		}
		for i, x := range items {
			if out[i], err = path(x, v[0]); err != nil {
				return nil, err
			}
			if _, gone := out[i].(undefined); gone && !isMissing(v[1]) {
				out[i] = v[1]
			}
		}
		return generator(out), nil
	}
	run := filters[plain(a.list[0])]
	if run == nil {
		return nil, fmt.Errorf("the filter %q is not supported", plain(a.list[0]))
	}
	for i, x := range items {
		if err := f.enter(); err != nil {
			return nil, err
		}
		out[i], err = run(f, x, rest(a, 1))
		f.leave()
		if err != nil {
			return nil, err
		}
	}
	return generator(out), nil
}

// What selected tests: an item, or an attribute of it that the first argument names.
const (
	byItself = iota
	byItsAttribute
)

// selected keeps the items for which a test is true, or those for which it is not. by is also the number of arguments before
// the test's name.
func selected(keep bool, by int) filterFunc {
	return func(f *frame, x any, a *args) (any, error) {
		if !truth(x) {
			return generator(nil), nil
		}
		items, err := iterate(x)
		if err != nil {
			return nil, err
		}
		if len(a.list) < by {
			return nil, fmt.Errorf("it takes the name of an attribute")
		}
		is := func(_ *frame, x any, _ *args) (bool, error) { return truth(x), nil }
		if len(a.list) > by {
			name := plain(a.list[by])
			if is = tests[name]; is == nil {
				return nil, fmt.Errorf("the test %q is not supported", name)
			}
		}
		var out []any
		for _, x := range items {
			y := x
			if by == byItsAttribute {
				if y, err = path(x, a.list[0]); err != nil {
					return nil, err
				}
			}
			if err := f.enter(); err != nil {
				return nil, err
			}
			f.leave()
			yes, err := is(f, y, rest(a, by+1))
			if err != nil {
				return nil, err
			}
			if yes == keep {
				out = append(out, x)
			}
		}
		return generator(out), nil
	}
}
