package jinja

import (
	"fmt"
	"strconv"
)

// number is the value of a literal of digits.
func number(t token) (any, error) {
	if t.kind == float {
		f, err := strconv.ParseFloat(t.text, 64)
		if err != nil {
			return nil, fmt.Errorf("line %d: %.40s is no float64", t.line, t.text)
		}
		return f, nil
	}
	n, err := strconv.ParseInt(t.text, 0, 64)
	if err != nil {
		return nil, fmt.Errorf("line %d: %.40s is larger than the whole numbers that are supported (64 bits)", t.line, t.text)
	}
	return n, nil
}

// postfix reads .name, [key] and (arguments) after a value.
func (p *parser) postfix(x expr) (expr, error) {
	for {
		var err error
		switch {
		case p.is(operator, "(") || p.is(operator, ".", "["):
			x, err = p.one(x)
		default:
			return x, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

func (p *parser) one(x expr) (expr, error) {
	switch t := p.next(); t.text {
	case "(":
		args, err := p.arguments()
		return call{x, args, t.line}, err
	case ".":
		if p.is(integer) {
			n, err := number(p.next())
			return item{x, constant{n}}, err
		}
		n, err := p.expect(name)
		return attribute{x, n.text}, err
	}
	key, err := p.key()
	if err != nil {
		return nil, err
	}
	if p.is(operator, ",") {
		return nil, p.fail("a key of several values is not supported")
	}
	_, err = p.expect(operator, "]")
	return item{x, key}, err
}

// key is what stands in [ ]: an expression or a slice.
func (p *parser) key() (expr, error) {
	var parts [3]expr
	n := 0
	for {
		if p.is(operator, ":") {
			p.next()
			if n++; n > 2 {
				return nil, p.fail("a slice has at most three parts")
			}
			continue
		}
		if p.is(operator, "]", ",") {
			break
		}
		if parts[n] != nil {
			return nil, p.fail("%s stands where ] should", p.now())
		}
		var err error
		if parts[n], err = p.expression(); err != nil {
			return nil, err
		}
	}
	if n > 0 {
		return slice{parts[0], parts[1], parts[2]}, nil
	}
	if parts[0] == nil {
		return nil, p.fail("a key is missing")
	}
	return parts[0], nil
}

// arguments are those of a call, whose ( has been read.
func (p *parser) arguments() (a arguments, err error) {
	first := true
	for !p.is(operator, ")") {
		if !first {
			if _, err := p.expect(operator, ","); err != nil {
				return a, err
			}
			if p.is(operator, ")") {
				break
			}
		}
		first = false
		var x expr
		switch {
		case p.skip(operator, "*"):
			a.star, err = p.expression()
		case p.skip(operator, "**"):
			a.dict, err = p.expression()
		case p.is(name) && p.tokens[p.at+1].kind == operator && p.tokens[p.at+1].text == "=":
			a.names = append(a.names, p.next().text)
			p.next()
			x, err = p.expression()
			a.named = append(a.named, x)
		default:
			if len(a.names) > 0 || a.dict != nil {
				return a, p.fail("an argument without a name follows one with a name")
			}
			x, err = p.expression()
			a.list = append(a.list, x)
		}
		if err != nil {
			return a, err
		}
	}
	p.next()
	return a, nil
}

// filtered reads |filter, is test and (arguments) after a value.
func (p *parser) filtered(x expr) (expr, error) {
	for {
		var err error
		switch {
		case p.skip(operator, "|"):
			x, err = p.filter(x)
		case p.skip(name, "is"):
			x, err = p.test(x)
		case p.is(operator, "("):
			x, err = p.one(x)
		default:
			return x, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// dotted is a name that may have dots in it.
func (p *parser) dotted() (token, error) {
	t, err := p.expect(name)
	for err == nil && p.skip(operator, ".") {
		var more token
		more, err = p.expect(name)
		t.text += "." + more.text
	}
	return t, err
}

// filter reads a filter, whose | has been read.
func (p *parser) filter(x expr) (*filter, error) {
	t, err := p.dotted()
	if err != nil {
		return nil, err
	}
	if _, ok := filters[t.text]; !ok {
		return nil, fmt.Errorf("line %d: the filter %q is not supported", t.line, t.text)
	}
	f := &filter{of: x, name: t.text, line: t.line}
	if p.skip(operator, "(") {
		f.args, err = p.arguments()
	}
	return f, err
}

// test reads a test, whose "is" has been read.
func (p *parser) test(x expr) (expr, error) {
	negated := p.skip(name, "not")
	t, err := p.dotted()
	if err != nil {
		return nil, err
	}
	if _, ok := tests[t.text]; !ok {
		return nil, fmt.Errorf("line %d: the test %q is not supported", t.line, t.text)
	}
	c := test{of: x, name: t.text, line: t.line}
	switch {
	case p.skip(operator, "("):
		c.args, err = p.arguments()
	case p.is(name, "else", "or", "and"):
	case p.is(name, "is"):
		return nil, p.fail("tests cannot be chained with is")
	case p.is(name) || p.is(text) || p.is(integer) || p.is(float) || p.is(operator, "[", "{"):
		var arg expr
		if arg, err = p.primary(); err == nil {
			arg, err = p.postfix(arg)
		}
		c.args.list = []expr{arg}
	}
	if negated {
		return notOf{c}, err
	}
	return c, err
}
