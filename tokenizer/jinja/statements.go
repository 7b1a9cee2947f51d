package jinja

import (
	"errors"
	"fmt"
	"slices"
)

// body reads statements up to a block of one of these names, whose {% and name are read too: the name is returned. Without
// names it reads to the end.
func (p *parser) body(ends ...string) (list []stmt, end string, err error) {
	if err := p.deeper(); err != nil {
		return nil, "", err
	}
	defer func() { p.depth-- }()
	for {
		switch t := p.next(); t.kind {
		case endOfFile:
			if len(ends) > 0 {
				return nil, "", p.fail("%s is missing", ends[len(ends)-1])
			}
			return list, "", nil
		case data:
			list = append(list, literal{t.text})
		case variableBegin:
			x, err := p.tuple(false)
			if err == nil {
				_, err = p.expect(variableEnd)
			}
			if err != nil {
				return nil, "", err
			}
			list = append(list, output{x, t.line})
		case blockBegin:
			t, err := p.expect(name)
			if err != nil {
				return nil, "", err
			}
			if slices.Contains(ends, t.text) {
				return list, t.text, nil
			}
			s, err := p.statement(t)
			if err != nil {
				return nil, "", err
			}
			list = append(list, s)
		}
	}
}

// block reads the end of a tag and what is inside up to one of ends, and the end of that tag.
func (p *parser) block(ends ...string) ([]stmt, error) {
	if _, err := p.expect(blockEnd); err != nil {
		return nil, err
	}
	list, _, err := p.body(ends...)
	if err == nil {
		_, err = p.expect(blockEnd)
	}
	return list, err
}

// errBreak and errContinue leave a loop, or an iteration of it.
var (
	errBreak    = errors.New("break stands outside a loop")
	errContinue = errors.New("continue stands outside a loop")
)

func (p *parser) statement(t token) (stmt, error) {
	switch t.text {
	case "if":
		return p.ifStmt()
	case "for":
		return p.forStmt()
	case "set":
		return p.set()
	case "with":
		return p.with()
	case "macro":
		n, err := p.expect(name)
		if err != nil {
			return nil, err
		}
		if _, err := p.expect(operator, "("); err != nil {
			return nil, err
		}
		return p.macro(n.text, "endmacro")
	case "call":
		m := &macroStmt{name: "caller"}
		var err error
		if p.skip(operator, "(") {
			if err = p.signature(m); err != nil {
				return nil, err
			}
		}
		x, err := p.expression()
		if err != nil {
			return nil, err
		}
		if _, ok := x.(call); !ok {
			return nil, fmt.Errorf("line %d: call needs a call", t.line)
		}
		m.body, err = p.block("endcall")
		return callStmt{x, m}, err
	case "filter":
		f, err := p.filters()
		if err != nil {
			return nil, err
		}
		body, err := p.block("endfilter")
		return filterStmt{f, body}, err
	case "generation":
		body, err := p.block("endgeneration")
		return scopeStmt{body}, err
	case "break", "continue":
		err := errBreak
		if t.text == "continue" {
			err = errContinue
		}
		_, bad := p.expect(blockEnd)
		return jumpStmt{err}, bad
	}
	return nil, fmt.Errorf("line %d: the tag %q is not supported", t.line, t.text)
}

func (p *parser) ifStmt() (stmt, error) {
	var s ifStmt
	end := "elif"
	for end == "elif" {
		x, err := p.tuple(false)
		if err != nil {
			return nil, err
		}
		if _, err := p.expect(blockEnd); err != nil {
			return nil, err
		}
		var body []stmt
		if body, end, err = p.body("elif", "else", "endif"); err != nil {
			return nil, err
		}
		s.tests, s.bodies = append(s.tests, x), append(s.bodies, body)
	}
	var err error
	if end == "else" {
		s.other, err = p.block("endif")
		return s, err
	}
	_, err = p.expect(blockEnd)
	return s, err
}

func (p *parser) forStmt() (stmt, error) {
	var s forStmt
	var err error
	if s.target, err = p.target(); err != nil {
		return nil, err
	}
	if _, err := p.expect(name, "in"); err != nil {
		return nil, err
	}
	// As in Jinja, the list has no "if": that begins the filter of the loop.
	if s.over, err = p.or(); err != nil {
		return nil, err
	}
	if p.is(operator, ",") {
		return nil, p.fail("a loop over several values needs brackets around them")
	}
	if p.skip(name, "if") {
		if s.when, err = p.expression(); err != nil {
			return nil, err
		}
	}
	s.recursive = p.skip(name, "recursive")
	if _, err := p.expect(blockEnd); err != nil {
		return nil, err
	}
	p.loops++
	var end string
	s.body, end, err = p.body("endfor", "else")
	p.loops--
	if err != nil {
		return nil, err
	}
	if end == "else" {
		s.other, err = p.block("endfor")
		return s, err
	}
	_, err = p.expect(blockEnd)
	return s, err
}

// target is what a loop or set gives a value: a name, or several in a tuple.
func (p *parser) target() (expr, error) {
	var list []expr
	isTuple := false
	for {
		var x expr
		if p.skip(operator, "(") {
			var err error
			if x, err = p.target(); err != nil {
				return nil, err
			}
			if _, err := p.expect(operator, ")"); err != nil {
				return nil, err
			}
		} else {
			t, err := p.expect(name)
			if err != nil {
				return nil, err
			}
			x = variable{t.text}
		}
		list = append(list, x)
		if !p.skip(operator, ",") {
			break
		}
		isTuple = true
		if !p.is(name) && !p.is(operator, "(") || p.is(name, "in") {
			break
		}
	}
	if isTuple {
		return tupleOf{list}, nil
	}
	return list[0], nil
}

func (p *parser) set() (stmt, error) {
	var target expr
	var err error
	if p.is(name) && p.tokens[p.at+1].kind == operator && p.tokens[p.at+1].text == "." {
		of := p.next().text
		p.next()
		t, err := p.expect(name)
		if err != nil {
			return nil, err
		}
		target = namespaceItem{of, t.text}
	} else if target, err = p.target(); err != nil {
		return nil, err
	}
	if p.skip(operator, "=") {
		x, err := p.tuple(false)
		if err == nil {
			_, err = p.expect(blockEnd)
		}
		return setStmt{target, x}, err
	}
	var f *filter
	if p.skip(operator, "|") {
		if f, err = p.filters(); err != nil {
			return nil, err
		}
	}
	body, err := p.block("endset")
	return setText{target, f, body}, err
}

// filters are those of a block, without a value before the first.
func (p *parser) filters() (*filter, error) {
	f, err := p.filter(nil)
	for err == nil && p.skip(operator, "|") {
		f, err = p.filter(f)
	}
	return f, err
}

func (p *parser) with() (stmt, error) {
	var s withStmt
	for !p.is(blockEnd) {
		if len(s.targets) > 0 {
			if _, err := p.expect(operator, ","); err != nil {
				return nil, err
			}
		}
		t, err := p.expect(name)
		if err != nil {
			return nil, err
		}
		if _, err := p.expect(operator, "="); err != nil {
			return nil, err
		}
		x, err := p.expression()
		if err != nil {
			return nil, err
		}
		s.targets, s.values = append(s.targets, variable{t.text}), append(s.values, x)
	}
	var err error
	s.body, err = p.block("endwith")
	return s, err
}

func (p *parser) macro(called, end string) (*macroStmt, error) {
	m := &macroStmt{name: called}
	err := p.signature(m)
	if err == nil {
		m.body, err = p.block(end)
	}
	return m, err
}

// signature reads the parameters of a macro, whose ( has been read.
func (p *parser) signature(m *macroStmt) error {
	for !p.skip(operator, ")") {
		if len(m.params) > 0 {
			if _, err := p.expect(operator, ","); err != nil {
				return err
			}
		}
		t, err := p.expect(name)
		if err != nil {
			return err
		}
		m.params = append(m.params, t.text)
		if p.skip(operator, "=") {
			x, err := p.expression()
			if err != nil {
				return err
			}
			m.defaults = append(m.defaults, x)
		} else if len(m.defaults) > 0 {
			return p.fail("a parameter without a default follows one with a default")
		}
	}
	return nil
}
