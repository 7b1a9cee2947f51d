package jinja

import (
	"fmt"
	"slices"
)

// maxNesting bounds brackets in brackets and blocks in blocks, so that no template fills the stack while it is read.
const maxNesting = 200

// parser reads tokens as Jinja's parser does: one function for each level of its grammar.
type parser struct {
	tokens []token
	at     int
	depth  int
	loops  int
}

func (p *parser) now() token { return p.tokens[p.at] }

func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != endOfFile {
		p.at++
	}
	return t
}

func (p *parser) is(k kind, words ...string) bool {
	t := p.now()
	return t.kind == k && (len(words) == 0 || slices.Contains(words, t.text))
}

func (p *parser) skip(k kind, word string) bool {
	if p.is(k, word) {
		p.at++
		return true
	}
	return false
}

func (p *parser) fail(format string, a ...any) error {
	return fmt.Errorf("line %d: %s", p.now().line, fmt.Sprintf(format, a...))
}

func (p *parser) expect(k kind, words ...string) (token, error) {
	if !p.is(k, words...) {
		want := map[kind]string{blockEnd: "the end of the tag", variableEnd: "}}", name: "a name"}[k]
		if len(words) > 0 {
			want = fmt.Sprintf("%q", words[0])
		}
		return token{}, p.fail("%s stands where %s should", p.now(), want)
	}
	return p.next(), nil
}

func (p *parser) deeper() error {
	if p.depth++; p.depth > maxNesting {
		return p.fail("there are more than %d blocks or brackets inside each other", maxNesting)
	}
	return nil
}

// expression is Jinja's parse_expression.
func (p *parser) expression() (expr, error) {
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	yes, err := p.or()
	for err == nil && p.skip(name, "if") {
		c := condition{yes: yes}
		if c.test, err = p.or(); err != nil {
			return nil, err
		}
		if p.skip(name, "else") {
			c.no, err = p.expression()
		}
		yes = c
	}
	return yes, err
}

func (p *parser) or() (expr, error) {
	left, err := p.and()
	for err == nil && p.skip(name, "or") {
		var right expr
		right, err = p.and()
		left = boolean{false, left, right}
	}
	return left, err
}

func (p *parser) and() (expr, error) {
	left, err := p.not()
	for err == nil && p.skip(name, "and") {
		var right expr
		right, err = p.not()
		left = boolean{true, left, right}
	}
	return left, err
}

func (p *parser) not() (expr, error) {
	if !p.is(name, "not") {
		return p.comparison()
	}
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	p.next()
	x, err := p.not()
	return notOf{x}, err
}

func (p *parser) comparison() (expr, error) {
	first, err := p.sum()
	c := compare{first: first}
	for err == nil {
		var op string
		switch {
		case p.is(operator, "==", "!=", "<", "<=", ">", ">="):
			op = p.next().text
		case p.skip(name, "in"):
			op = "in"
		case p.is(name, "not") && p.tokens[p.at+1].kind == name && p.tokens[p.at+1].text == "in":
			p.at += 2
			op = "not in"
		default:
			if c.rest == nil {
				return first, nil
			}
			return c, nil
		}
		var x expr
		x, err = p.sum()
		c.rest = append(c.rest, operand{op, x})
	}
	return nil, err
}

// chain reads operands of one level with these operators between them, from the left.
func (p *parser) chain(operand func() (expr, error), ops ...string) (expr, error) {
	left, err := operand()
	for err == nil && p.is(operator, ops...) {
		op := p.next().text
		var right expr
		right, err = operand()
		left = arithmetic{op, left, right}
	}
	return left, err
}

func (p *parser) sum() (expr, error) { return p.chain(p.concat, "+", "-") }

func (p *parser) concat() (expr, error) {
	first, err := p.product()
	if err != nil || !p.is(operator, "~") {
		return first, err
	}
	c := concat{[]expr{first}}
	for err == nil && p.skip(operator, "~") {
		var x expr
		x, err = p.product()
		c.items = append(c.items, x)
	}
	return c, err
}

func (p *parser) product() (expr, error) { return p.chain(p.power, "*", "/", "//", "%") }

func (p *parser) power() (expr, error) {
	return p.chain(func() (expr, error) { return p.unary(true) }, "**")
}

func (p *parser) unary(filters bool) (x expr, err error) {
	switch {
	case p.is(operator, "-", "+"):
		if err := p.deeper(); err != nil {
			return nil, err
		}
		defer func() { p.depth-- }()
		minus := p.next().text == "-"
		if x, err = p.unary(false); minus {
			x = negative{x}
		} else {
			x = positive{x}
		}
	default:
		x, err = p.primary()
	}
	if err == nil {
		x, err = p.postfix(x)
	}
	if err == nil && filters {
		x, err = p.filtered(x)
	}
	return x, err
}

func (p *parser) primary() (expr, error) {
	t := p.next()
	switch t.kind {
	case name:
		switch t.text {
		case "true", "True":
			return constant{true}, nil
		case "false", "False":
			return constant{false}, nil
		case "none", "None":
			return constant{nil}, nil
		}
		return variable{t.text}, nil
	case text:
		s := t.text
		for p.is(text) {
			s += p.next().text
		}
		return constant{s}, nil
	case integer, float:
		v, err := number(t)
		return constant{v}, err
	case operator:
		switch t.text {
		case "(":
			x, err := p.tuple(true, ")")
			if err != nil {
				return nil, err
			}
			_, err = p.expect(operator, ")")
			return x, err
		case "[":
			items, err := p.items("]")
			return listOf{items}, err
		case "{":
			return p.dict()
		}
	}
	p.at--
	if t.kind == endOfFile {
		p.at = len(p.tokens) - 1
	}
	return nil, p.fail("%s stands where a value should", t)
}

// items are expressions with commas between them, and the bracket that ends them.
func (p *parser) items(end string) (list []expr, err error) {
	for !p.is(operator, end) {
		if len(list) > 0 {
			if _, err := p.expect(operator, ","); err != nil {
				return nil, err
			}
			if p.is(operator, end) {
				break
			}
		}
		x, err := p.expression()
		if err != nil {
			return nil, err
		}
		list = append(list, x)
	}
	p.next()
	return list, nil
}

func (p *parser) dict() (expr, error) {
	var d dictOf
	for !p.is(operator, "}") {
		if len(d.keys) > 0 {
			if _, err := p.expect(operator, ","); err != nil {
				return nil, err
			}
			if p.is(operator, "}") {
				break
			}
		}
		k, err := p.expression()
		if err != nil {
			return nil, err
		}
		if _, err := p.expect(operator, ":"); err != nil {
			return nil, err
		}
		v, err := p.expression()
		if err != nil {
			return nil, err
		}
		d.keys, d.values = append(d.keys, k), append(d.values, v)
	}
	p.next()
	return d, nil
}

// tuple is one expression, or a tuple where commas follow. Only in parentheses may there be none.
func (p *parser) tuple(parentheses bool, ends ...string) (expr, error) {
	var list []expr
	isTuple := false
	for {
		if len(list) > 0 {
			if !p.skip(operator, ",") {
				break
			}
			isTuple = true
		}
		if len(ends) > 0 && p.is(operator, ends...) || p.is(blockEnd) || p.is(variableEnd) {
			break
		}
		x, err := p.expression()
		if err != nil {
			return nil, err
		}
		list = append(list, x)
	}
	switch {
	case isTuple || len(list) == 0 && parentheses:
		return tupleOf{list}, nil
	case len(list) == 0:
		return nil, p.fail("an expression is missing")
	}
	return list[0], nil
}
