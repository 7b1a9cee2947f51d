package jinja

import (
	"errors"
	"fmt"
)

// loop is the variable of that name inside a for.
type loop struct {
	items   []any
	i       int
	depth   int
	last    any // what changed() was given before
	changed bool
	again   func(*frame, *args) (any, error) // nil where the loop is not recursive
}

func (s forStmt) exec(f *frame) error { return s.over1(f, nil, 0) }

// over1 runs the loop over what stands in it, or over the value of a recursive call.
func (s forStmt) over1(f *frame, given *any, depth int) error {
	var v any
	var err error
	if given != nil {
		v = *given
	} else if v, err = f.value(s.over); err != nil {
		return err
	}
	items, err := iterate(v)
	if err != nil {
		return err
	}
	if s.when != nil {
		if items, err = s.filtered(f, items); err != nil {
			return err
		}
	}
	l := &loop{items: items, depth: depth}
	if s.recursive {
		l.again = func(in *frame, a *args) (any, error) {
			v, err := a.bind("iterable")
			if err != nil {
				return nil, err
			}
			if in.macros++; in.macros > maxMacros {
				return nil, fmt.Errorf("the recursive loop is nested more than %d deep", maxMacros)
			}
			defer func() { in.macros-- }()
			text, err := in.capture([]stmt{recursion{s, v[0], depth + 1, f.scope}})
			return text, err
		}
	}
	through := false // an iteration reached its end: as in Jinja, else runs if none did
	for i, x := range items {
		l.i = i
		in := f.inner()
		in.scope.vars["loop"] = l
		if err := in.assign(s.target, x); err != nil {
			return err
		}
		if err := f.enter(); err != nil {
			return err
		}
		f.leave()
		switch err := in.run(s.body); {
		case errors.Is(err, errBreak):
			items = nil
		case err == nil:
			through = true
		case !errors.Is(err, errContinue):
			return err
		}
		if items == nil {
			break
		}
	}
	if !through {
		return f.inner().run(s.other)
	}
	return nil
}

// recursion is one level of a recursive loop, in the scope in which the loop began.
type recursion struct {
	loop  forStmt
	over  any
	depth int
	scope *scope
}

func (r recursion) exec(f *frame) error {
	return r.loop.over1(&frame{f.state, r.scope, f.out}, &r.over, r.depth)
}

func (s forStmt) filtered(f *frame, items []any) ([]any, error) {
	var kept []any
	for _, x := range items {
		in := f.inner()
		if err := in.assign(s.target, x); err != nil {
			return nil, err
		}
		v, err := in.value(s.when)
		if err != nil {
			return nil, err
		}
		if truth(v) {
			kept = append(kept, x)
		}
	}
	return kept, nil
}

func (l *loop) attribute(name string) (any, error) {
	n := len(l.items)
	switch name {
	case "index":
		return int64(l.i + 1), nil
	case "index0":
		return int64(l.i), nil
	case "revindex":
		return int64(n - l.i), nil
	case "revindex0":
		return int64(n - l.i - 1), nil
	case "first":
		return l.i == 0, nil
	case "last":
		return l.i == n-1, nil
	case "length":
		return int64(n), nil
	case "depth":
		return int64(l.depth + 1), nil
	case "depth0":
		return int64(l.depth), nil
	case "previtem":
		if l.i == 0 {
			return undefined{"loop.previtem"}, nil
		}
		return l.items[l.i-1], nil
	case "nextitem":
		if l.i == n-1 {
			return undefined{"loop.nextitem"}, nil
		}
		return l.items[l.i+1], nil
	case "cycle":
		return &function{"loop.cycle", func(_ *frame, a *args) (any, error) {
			if len(a.list) == 0 {
				return nil, fmt.Errorf("loop.cycle has nothing to choose from")
			}
			return a.list[l.i%len(a.list)], nil
		}}, nil
	case "changed":
		return &function{"loop.changed", func(_ *frame, a *args) (any, error) {
			now := tuple(a.list...)
			same := l.changed && equal(l.last, now)
			l.last, l.changed = now, true
			return !same, nil
		}}, nil
	}
	return undefined{"loop." + name}, nil
}
