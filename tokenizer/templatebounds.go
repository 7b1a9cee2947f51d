package tokenizer

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nikolalohinski/gonja/v2/builtins"
	controlStructures "github.com/nikolalohinski/gonja/v2/builtins/control_structures"
	"github.com/nikolalohinski/gonja/v2/config"
	"github.com/nikolalohinski/gonja/v2/exec"
	"github.com/nikolalohinski/gonja/v2/nodes"
	"github.com/nikolalohinski/gonja/v2/parser"
	"github.com/nikolalohinski/gonja/v2/tokens"
)

// A template comes with a checkpoint and is a program; these bound what it can
// take. gonja itself has no bounds.
const (
	maxTemplate = 64 << 10         // bytes of source
	maxPrompt   = 64 << 20         // bytes of output
	maxRender   = 10 * time.Second // time, looked at in every block and write
	maxBlocks   = 100              // blocks inside blocks
	maxDepth    = 20               // macros inside macros
	maxTag      = 500              // tokens of one {{ }} or {% %}, which bounds expressions
	maxRange    = 100_000          // numbers in a range, as in Jinja's sandbox
)

// boundsKey is the variable that carries the bounds of one rendering.
const boundsKey = "__loupe_bounds__"

// bounds is the state of one rendering. Its first failure stays, because gonja
// prints an error as text where it lies in a list.
type bounds struct {
	start time.Time
	limit time.Duration
	depth int // of macros
	err   error
}

func (b *bounds) fail(err error) error {
	if b.err == nil {
		b.err = err
	}
	return b.err
}

func (b *bounds) check() error {
	if b.err == nil && time.Since(b.start) > b.limit {
		b.err = fmt.Errorf("it takes longer than %v", b.limit)
	}
	return b.err
}

func boundsOf(env *exec.Environment) (*bounds, error) {
	v, _ := env.Context.Get(boundsKey)
	b, ok := v.(*bounds)
	if !ok {
		return nil, fmt.Errorf("it sets %s", boundsKey)
	}
	return b, b.check()
}

// boundedWriter is the prompt while it is written.
type boundedWriter struct {
	*bounds
	text strings.Builder
}

// Write implements io.Writer.
func (w *boundedWriter) Write(p []byte) (int, error) { return w.WriteString(string(p)) }

// WriteString implements io.StringWriter.
func (w *boundedWriter) WriteString(s string) (int, error) {
	if err := w.check(); err != nil {
		return 0, err
	}
	if w.text.Len()+len(s) > maxPrompt {
		return 0, w.fail(fmt.Errorf("its prompt is longer than %d bytes", maxPrompt))
	}
	return w.text.WriteString(s)
}

// checkTags refuses expressions that are so long that they may nest deeper than
// Go's stack, which gonja's parser would fill: that cannot be recovered from.
func checkTags(source string, settings *config.Config) error {
	in := 0 // tokens since the tag began
	for s := tokens.LexAll(source, settings); !s.End(); s.Next() {
		switch s.Current().Type {
		case tokens.VariableBegin, tokens.BlockBegin, tokens.Data:
			in = 0
		}
		if in++; in > maxTag {
			return fmt.Errorf("line %d has an expression of more than %d tokens", s.Current().Line, maxTag)
		}
	}
	return nil
}

// boundedEnvironment is gonja's environment with the blocks that a chat
// template may need, each within bounds, and transformers' raise_exception.
// Blocks that reach other templates are not there.
func boundedEnvironment() *exec.Environment {
	blocks := map[string]parser.ControlStructureParser{}
	depth := 0
	for _, name := range []string{"if", "for", "set", "with", "do", "raw", "filter", "macro", "break", "continue"} {
		if parse, ok := builtins.ControlStructures.Get(name); ok {
			blocks[name] = boundedBlock(parse, &depth)
		}
	}
	return &exec.Environment{
		Context: exec.EmptyContext().Update(builtins.GlobalFunctions).Update(exec.NewContext(map[string]any{
			"range":           boundedRange,
			"raise_exception": raiseException,
		})),
		Filters:           builtins.Filters,
		Tests:             builtins.Tests,
		ControlStructures: exec.NewControlStructureSet(blocks),
		Methods:           builtins.Methods,
	}
}

// boundedBlock parses a block within depth others.
func boundedBlock(parse parser.ControlStructureParser, depth *int) parser.ControlStructureParser {
	return func(p, args *parser.Parser) (nodes.ControlStructure, error) {
		defer func() { *depth-- }()
		if *depth++; *depth > maxBlocks {
			return nil, fmt.Errorf("there are more than %d blocks inside each other", maxBlocks)
		}
		cs, err := parse(p, args)
		if err != nil {
			return nil, err
		}
		if loop, ok := cs.(*controlStructures.ForControlStructure); ok && loop.Recursive {
			return nil, errors.New("recursive loops are not run")
		}
		run, ok := cs.(exec.ControlStructure)
		if !ok {
			return cs, nil
		}
		if m, ok := cs.(*controlStructures.MacroControlStructure); ok {
			return boundedMacro{m}, nil
		}
		return bounded{run}, nil
	}
}

// bounded is a block that looks at the time before it runs.
type bounded struct{ exec.ControlStructure }

// Execute implements exec.ControlStructure.
func (b bounded) Execute(r *exec.Renderer, tag *nodes.ControlStructureBlock) error {
	if _, err := boundsOf(r.Environment); err != nil {
		return err
	}
	return b.ControlStructure.Execute(r, tag)
}

// boundedMacro defines a macro that cannot call itself for ever: Go's stack
// cannot be recovered once it is full.
type boundedMacro struct {
	*controlStructures.MacroControlStructure
}

// Execute implements exec.ControlStructure.
func (m boundedMacro) Execute(r *exec.Renderer, _ *nodes.ControlStructureBlock) error {
	b, err := boundsOf(r.Environment)
	if err != nil {
		return err
	}
	run, err := exec.MacroNodeToFunc(m.Macro, r)
	if err != nil {
		return err
	}
	r.Environment.Context.Set(m.Name, exec.Macro(func(args *exec.VarArgs) *exec.Value {
		defer func() { b.depth-- }()
		if b.depth++; b.depth > maxDepth {
			return exec.AsValue(b.fail(fmt.Errorf("macro %s is nested more than %d deep", m.Name, maxDepth)))
		}
		if err := b.check(); err != nil {
			return exec.AsValue(err)
		}
		return run(args)
	}))
	return nil
}

func raiseException(e *exec.Evaluator, args *exec.VarArgs) *exec.Value {
	text := "no reason given"
	if len(args.Args) > 0 {
		text = args.Args[0].String()
	}
	b, err := boundsOf(e.Environment)
	if err == nil {
		err = b.fail(fmt.Errorf("the template refuses the messages: %s", text))
	}
	return exec.AsValue(err)
}

// boundedRange is Python's range. gonja's own leaves a goroutine behind when a
// loop ends early.
func boundedRange(_ *exec.Evaluator, args *exec.VarArgs) ([]int, error) {
	n := [3]int{0, 0, 1}
	for i, a := range args.Args {
		if i > 2 || !a.IsInteger() {
			return nil, errors.New("range takes one to three whole numbers")
		}
		n[i] = a.Integer()
	}
	start, stop, step := n[0], n[1], n[2]
	switch len(args.Args) {
	case 0:
		return nil, errors.New("range takes one to three whole numbers")
	case 1:
		start, stop = 0, n[0]
	}
	if step == 0 {
		return nil, errors.New("range has step 0")
	}
	list := []int{}
	for i := start; step > 0 && i < stop || step < 0 && i > stop; i += step {
		if len(list) == maxRange {
			return nil, fmt.Errorf("range has more than %d numbers", maxRange)
		}
		list = append(list, i)
	}
	return list, nil
}
