package jinja

import (
	"fmt"
	"slices"
	"strings"
)

// args are the values that a call gives.
type args struct {
	list  []any
	named *Dict
}

// missing is the value of a parameter that no argument fills.
type missing struct{}

func isMissing(v any) bool { _, ok := v.(missing); return ok }

// bind assigns the arguments to these parameters. A parameter without an argument is missing.
func (a *args) bind(params ...string) ([]any, error) {
	if len(a.list) > len(params) {
		return nil, fmt.Errorf("it takes at most %d arguments, and gets %d", len(params), len(a.list))
	}
	out := make([]any, len(params))
	for i := range out {
		out[i] = missing{}
	}
	copy(out, a.list)
	for _, k := range a.named.keys {
		i := slices.Index(params, plain(k))
		if i < 0 {
			return nil, fmt.Errorf("it knows no argument %q", plain(k))
		}
		if !isMissing(out[i]) {
			return nil, fmt.Errorf("its argument %q is given twice", plain(k))
		}
		out[i], _ = a.named.Get(k)
	}
	return out, nil
}

func (f *frame) arguments(a arguments) (*args, error) {
	list, err := f.values(a.list)
	if err != nil {
		return nil, err
	}
	out := &args{list, newDict()}
	for i, e := range a.named {
		v, err := f.value(e)
		if err != nil {
			return nil, err
		}
		out.named.Set(a.names[i], v)
	}
	if a.star != nil {
		v, err := f.value(a.star)
		if err != nil {
			return nil, err
		}
		more, err := iterate(v)
		if err != nil {
			return nil, err
		}
		out.list = append(out.list, more...)
	}
	if a.dict != nil {
		v, err := f.value(a.dict)
		if err != nil {
			return nil, err
		}
		d, ok := v.(*Dict)
		if !ok {
			return nil, fmt.Errorf("%s stands after **, where a dict should", typeName(v))
		}
		for _, k := range d.keys {
			x, _ := d.Get(k)
			out.named.Set(k, x)
		}
	}
	return out, nil
}

func (c call) eval(f *frame) (any, error) {
	fn, err := f.value(c.of)
	if err != nil {
		return nil, err
	}
	a, err := f.arguments(c.args)
	if err != nil {
		return nil, err
	}
	v, err := f.invoke(fn, a)
	return v, at(c.line, err)
}

func (f *frame) invoke(fn any, a *args) (any, error) {
	switch fn := fn.(type) {
	case *function:
		v, err := fn.call(f, a)
		if err != nil {
			return nil, wrap(fn.name, err)
		}
		return v, nil
	case *macro:
		return fn.call(f, a)
	case *loop:
		if fn.again == nil {
			return nil, fmt.Errorf("loop(...) stands in a loop that is not recursive")
		}
		return fn.again(f, a)
	case undefined:
		return nil, fmt.Errorf("%s is called, and is not defined", fn.what)
	}
	return nil, fmt.Errorf("%s is called like a function", typeName(fn))
}

// macro is a macro, or the caller() of one, with the scope in which it was defined.
type macro struct {
	*macroStmt
	scope *scope
}

func (m *macro) call(f *frame, a *args) (any, error) {
	if f.macros++; f.macros > maxMacros {
		return nil, fmt.Errorf("macro %s is nested more than %d deep", m.name, maxMacros)
	}
	defer func() { f.macros-- }()
	var b strings.Builder
	in := &frame{f.state, &scope{map[string]any{}, m.scope}, &b}
	if caller, ok := a.named.Get("caller"); ok {
		in.scope.vars["caller"] = caller
	}
	named := newDict()
	for _, k := range a.named.keys {
		if plain(k) != "caller" || slices.Contains(m.params, "caller") {
			v, _ := a.named.Get(k)
			named.Set(k, v)
		}
	}
	values, err := (&args{a.list, named}).bind(m.params...)
	if err != nil {
		return nil, wrap("macro "+m.name, err)
	}
	for i, v := range values {
		if isMissing(v) {
			if at := i - (len(m.params) - len(m.defaults)); at >= 0 {
				if v, err = in.value(m.defaults[at]); err != nil {
					return nil, err
				}
			} else {
				v = undefined{"parameter " + m.params[i]}
			}
		}
		in.scope.vars[m.params[i]] = v
	}
	if err := in.run(m.body); err != nil {
		return nil, err
	}
	return b.String(), f.spend(b.Len())
}

func (x *filter) eval(f *frame) (any, error) {
	v, err := f.value(x.of)
	if err != nil {
		return nil, err
	}
	return x.apply(f, v)
}

// of1 applies a chain of filters to the text of a block.
func (x *filter) of1(f *frame, text string) (any, error) {
	if x.of == nil {
		return x.apply(f, text)
	}
	v, err := x.of.(*filter).of1(f, text)
	if err != nil {
		return nil, err
	}
	return x.apply(f, v)
}

func (x *filter) apply(f *frame, v any) (any, error) {
	a, err := f.arguments(x.args)
	if err != nil {
		return nil, err
	}
	if v, err = filters[x.name](f, v, a); err != nil {
		return nil, at(x.line, wrap("filter "+x.name, err))
	}
	return v, nil
}

func (t test) eval(f *frame) (any, error) {
	v, err := f.value(t.of)
	if err != nil {
		return nil, err
	}
	a, err := f.arguments(t.args)
	if err != nil {
		return nil, err
	}
	is, err := tests[t.name](f, v, a)
	if err != nil {
		return nil, at(t.line, wrap("test "+t.name, err))
	}
	return is, nil
}
