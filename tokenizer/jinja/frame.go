package jinja

import (
	"fmt"
	"strings"
	"time"
)

// Bounds of one rendering. A template comes with a checkpoint and is a program, which must not exhaust the machine.
const (
	maxDepth  = 3000     // expressions and blocks inside each other, macros' too
	maxMacros = 100      // macros inside macros
	maxSpent  = 1 << 29  // bytes of all texts and lists that are made on the way
	maxRange  = 100_000  // numbers in a range, as in Jinja's sandbox
	maxText   = 64 << 20 // bytes of one text, the result among them
)

// state is one rendering.
type state struct {
	options Options
	began   time.Time
	steps   int
	depth   int
	macros  int
	spent   int
}

// frame is where statements run: the names they see, and where their text goes.
type frame struct {
	*state
	scope *scope
	out   *strings.Builder
}

// scope is the names of a block, inside those of the blocks around it.
type scope struct {
	vars map[string]any
	up   *scope
}

func (f *frame) inner() *frame {
	return &frame{f.state, &scope{map[string]any{}, f.scope}, f.out}
}

func (f *frame) lookup(name string) any {
	for s := f.scope; s != nil; s = s.up {
		if v, ok := s.vars[name]; ok {
			return v
		}
	}
	if v, ok := globals[name]; ok {
		return v
	}
	return undefined{name}
}

func (f *frame) enter() error {
	if f.depth++; f.depth > maxDepth {
		return fmt.Errorf("it is nested more than %d deep", maxDepth)
	}
	if f.steps++; f.steps%64 == 0 && time.Since(f.began) > f.options.Limit {
		return fmt.Errorf("it takes longer than %v", f.options.Limit)
	}
	return nil
}

func (f *frame) leave() { f.depth-- }

// spend counts the bytes of texts and lists.
func (f *frame) spend(n int) error {
	if f.spent += n; f.spent > maxSpent {
		return fmt.Errorf("it makes more than %d bytes of texts and lists on the way", maxSpent)
	}
	return tooLong(n)
}

func tooLong(n int) error {
	if n > maxText {
		return fmt.Errorf("a text is longer than %d bytes", maxText)
	}
	return nil
}

func (f *frame) write(s string) error {
	if f.out.Len()+len(s) > maxText {
		return fmt.Errorf("its prompt is longer than %d bytes", maxText)
	}
	f.out.WriteString(s)
	return nil
}

// capture runs statements in a block of their own and returns their text.
func (f *frame) capture(body []stmt) (string, error) {
	var b strings.Builder
	in := f.inner()
	in.out = &b
	err := in.run(body)
	if err == nil {
		err = f.spend(b.Len())
	}
	return b.String(), err
}

func (f *frame) run(list []stmt) error {
	for _, s := range list {
		if err := f.enter(); err != nil {
			return err
		}
		err := s.exec(f)
		f.leave()
		if err != nil {
			return err
		}
	}
	return nil
}
