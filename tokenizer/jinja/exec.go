package jinja

import "fmt"

func (l literal) exec(f *frame) error { return f.write(l.text) }

func (o output) exec(f *frame) error {
	v, err := f.value(o.x)
	var s string
	if err == nil {
		s, err = str(v)
	}
	if err == nil {
		err = f.write(s)
	}
	return at(o.line, err)
}

func (s ifStmt) exec(f *frame) error {
	for i, t := range s.tests {
		v, err := f.value(t)
		if err != nil {
			return err
		}
		if truth(v) {
			return f.run(s.bodies[i])
		}
	}
	return f.run(s.other)
}

func (s setStmt) exec(f *frame) error {
	v, err := f.value(s.value)
	if err != nil {
		return err
	}
	return f.assign(s.target, v)
}

func (s setText) exec(f *frame) error {
	text, err := f.capture(s.body)
	if err != nil {
		return err
	}
	v := any(text)
	if s.filters != nil {
		if v, err = s.filters.of1(f, text); err != nil {
			return err
		}
	}
	return f.assign(s.target, v)
}

// assign gives a name a value, in the innermost block.
func (f *frame) assign(target expr, v any) error {
	switch t := target.(type) {
	case variable:
		f.scope.vars[t.name] = v
	case namespaceItem:
		n, ok := f.lookup(t.of).(*namespace)
		if !ok {
			return fmt.Errorf("%s is no namespace, so %s.%s cannot be set", t.of, t.of, t.name)
		}
		if t.name[0] == '_' {
			return fmt.Errorf("%s.%s: names that begin with _ are not for templates", t.of, t.name)
		}
		n.Set(t.name, v)
	case tupleOf:
		items, err := iterate(v)
		if err != nil {
			return err
		}
		if len(items) != len(t.items) {
			return fmt.Errorf("%d values are given to %d names", len(items), len(t.items))
		}
		for i, x := range t.items {
			if err := f.assign(x, items[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (n namespaceItem) eval(f *frame) (any, error) { return attribute{variable{n.of}, n.name}.eval(f) }

func (s withStmt) exec(f *frame) error {
	in := f.inner()
	for i, t := range s.targets {
		v, err := f.value(s.values[i])
		if err != nil {
			return err
		}
		if err := in.assign(t, v); err != nil {
			return err
		}
	}
	return in.run(s.body)
}

func (s filterStmt) exec(f *frame) error {
	text, err := f.capture(s.body)
	if err != nil {
		return err
	}
	v, err := s.filters.of1(f, text)
	if err != nil {
		return err
	}
	if text, err = str(v); err != nil {
		return err
	}
	return f.write(text)
}

func (s scopeStmt) exec(f *frame) error { return f.inner().run(s.body) }

func (j jumpStmt) exec(*frame) error { return j.err }

func (m *macroStmt) exec(f *frame) error {
	f.scope.vars[m.name] = &macro{m, f.scope}
	return nil
}

func (c callStmt) exec(f *frame) error {
	of := c.call.(call)
	fn, err := f.value(of.of)
	if err != nil {
		return err
	}
	a, err := f.arguments(of.args)
	if err != nil {
		return err
	}
	a.named.Set("caller", &macro{c.body, f.scope})
	v, err := f.invoke(fn, a)
	var s string
	if err == nil {
		s, err = str(v)
	}
	if err != nil {
		return at(of.line, err)
	}
	return f.write(s)
}
