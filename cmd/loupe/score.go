package main

import (
	"context"
	"fmt"
	"strings"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/audit"
	"github.com/loupe-vl/loupe/weights"
	"github.com/spf13/cobra"
)

type scoreFlags struct {
	model    modelFlags
	system   string
	prompt   string
	critique bool
	gen      decodingFlags
	json     bool
	audit    auditFlags
	record   *audit.Recorder // nil: nothing is recorded
}

func scoreCommand() *cobra.Command {
	var f scoreFlags
	cmd := &cobra.Command{
		Use:   "score [IMAGE|DIR]...",
		Short: "score pictures from 1 to 100",
		Long: `Scores pictures with the score head, and with --critique writes a critique of each in the same pass.

A directory stands for the pictures in it. Without an argument, the picture that is part of the program is scored.
A picture that cannot be read gets an error on its line; the others go on, and the exit status is 1.`,
		Example: `  loupe score painting.jpg
  loupe score --model DIR --critique --json gallery/`,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	f.model.register(cmd)
	fl := cmd.Flags()
	fl.StringVar(&f.system, "system", "", "system `TEXT` of the conversation (default: the one that the head or adapter was taught with, else the rubric of the five dimensions)")
	fl.StringVar(&f.prompt, "prompt", "", "`TEXT` of the question (default: the one that it was taught with, else \""+loupe.DefaultQuestion+"\")")
	fl.BoolVar(&f.critique, "critique", false, "write a critique too; the picture is encoded once")
	f.gen.register(cmd)
	f.audit.register(fl)
	fl.BoolVar(&f.json, "json", false, "print one JSON object a line")
	return cmd
}

// scored is one line of score --json.
type scored struct {
	Image     string             `json:"image"`
	Score     *float64           `json:"score,omitempty"`
	Targets   map[string]float64 `json:"targets,omitempty"` // clamped to each one's range, as the score
	Raw       map[string]float64 `json:"raw,omitempty"`     // as the head has them
	Critique  *string            `json:"critique,omitempty"`
	Error     string             `json:"error,omitempty"`
	Precision string             `json:"precision,omitempty"`
	Device    *loupe.DeviceInfo  `json:"device,omitempty"`
}

func (f *scoreFlags) run(cmd *cobra.Command, args []string) error {
	if err := f.gen.check(cmd); err != nil {
		return usageError{err}
	}
	if name := f.gen.changed(cmd); name != "" && !f.critique {
		return usageError{fmt.Errorf("--%s is of the critique, and none is asked for; give --critique, or leave --%s away", name, name)}
	}
	book, done, err := f.audit.begin(cmd.Context())
	if err != nil {
		return err
	}
	defer done()
	m, err := f.model.load(cmd)
	if err != nil {
		return err
	}
	defer m.Close()
	if book != nil {
		f.record = audit.NewRecorder(book, m)
	}
	if cmd.Flags().Changed("system") {
		otherSystem(m, f.system)
	} else {
		f.system = m.Wording().System
	}
	if !cmd.Flags().Changed("prompt") {
		f.prompt = m.Wording().Question
	}
	if f.critique {
		if f.gen.gen, err = published(m, f.gen.gen); err != nil {
			return err
		}
	}
	pictures, err := loupe.Pictures(args)
	if err != nil {
		return err
	}
	notePassedOver(args)
	out := newScorePrinter(f.json, m, pictures)
	bar := newProgress("score", len(pictures))
	defer bar.end()
	failed := 0
	for i, p := range pictures {
		line := f.one(cmd, m, p)
		if err := cmd.Context().Err(); err != nil {
			return &interrupted{err, fmt.Sprintf("%d of %d pictures are done and their lines are whole; go on with %s and those after it", i, len(pictures), p.Name)}
		}
		if line.Error != "" {
			if err := m.RecoverDevice(); err != nil {
				bar.clear()
				return fmt.Errorf("the device can compute nothing more: %w; %d of %d pictures are done and their lines are whole; go on with %s and those after it", err, i, len(pictures), p.Name)
			}
			failed++
		}
		bar.clear()
		if err := out.print(line); err != nil {
			return err
		}
		bar.add()
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d pictures could not be scored; their lines say why", failed, len(pictures))
	}
	return nil
}

// notePassedOver notes which files of a directory are not scored.
func notePassedOver(args []string) {
	others := loupe.PassedOver(args)
	if len(others) == 0 {
		return
	}
	names := others[:min(len(others), 3)]
	more := ""
	if n := len(others) - len(names); n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	fmt.Fprintf(stderr, "note: passed over as no pictures: %s%s\n", oneLine(strings.Join(names, ", ")), more)
}

func (f *scoreFlags) one(cmd *cobra.Command, m *loupe.Model, p loupe.Picture) scored {
	line := scored{Image: p.Name}
	s, critique, err := f.judge(cmd.Context(), m, p)
	if err != nil {
		line.Error = oneLine(inFlags(err.Error()))
		return line
	}
	line.Precision, line.Device = m.Settings().Precision, m.GPU()
	if f.critique {
		line.Critique = &critique
	}
	line.Targets, line.Raw = map[string]float64{}, map[string]float64{}
	for _, t := range s.Targets {
		line.Targets[t.Name], line.Raw[t.Name] = t.Clamped, t.Value
		if t.Name == weights.ScoreName {
			line.Score = &s.Score
		}
	}
	return line
}

// judge scores a picture, and records it if that was asked for.
func (f *scoreFlags) judge(ctx context.Context, m *loupe.Model, p loupe.Picture) (*loupe.Score, string, error) {
	if f.record != nil {
		return f.audit.judge(ctx, f.record, p, f.system, f.prompt, f.critique, f.gen.gen)
	}
	return m.ScoreAndCritique(ctx, p, f.system, f.prompt, f.critique, f.gen.gen)
}
