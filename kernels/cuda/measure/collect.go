package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Measurement is everything that one run of measure.sh found.
type Measurement struct {
	Format   int    `json:"format"` // 1
	Began    string `json:"began"`
	Built    string `json:"built"` // from which commit
	Finished bool   `json:"finished"`
	Ended    string `json:"ended,omitempty"` // why it did not finish
	Parts    []Part `json:"parts"`
}

// Part is one part of a run, in a folder of its own: see measure.sh.
type Part struct {
	Name    string            `json:"name"`
	Status  string            `json:"status"` // ok, failed, timeout, interrupted, skipped, or running
	Exit    int               `json:"exit"`
	Why     string            `json:"why,omitempty"` // of one that was skipped
	Seconds float64           `json:"seconds"`
	LimitS  float64           `json:"limit_s"`
	Results []json.RawMessage `json:"results,omitempty"` // the JSON objects that it wrote
	Output  string            `json:"output,omitempty"`  // the end of everything else that it wrote
}

// mostOutput bounds what is kept of a part's output, in bytes.
const mostOutput = 6000

// collect writes dir/measure.json from what the parts left in dir, whatever of it there is: a part may be running, or was ended.
func collect(dir string) error {
	m := Measurement{Format: 1, Began: text(dir, "began"), Built: text(dir, "built"), Ended: text(dir, "ended"), Parts: []Part{}}
	m.Finished = text(dir, "finished") != ""
	folders, err := os.ReadDir(filepath.Join(dir, "parts"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, f := range folders {
		if f.IsDir() {
			m.Parts = append(m.Parts, part(filepath.Join(dir, "parts", f.Name()), f.Name()))
		}
	}
	out, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return err
	}
	// A file is whole or is the one before: whoever is interrupted here leaves a valid one.
	temporary := filepath.Join(dir, ".measure.json.new")
	if err := os.WriteFile(temporary, append(out, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(temporary, filepath.Join(dir, "measure.json"))
}

// part is what one left. Its folder is called NN-name.
func part(dir, folder string) Part {
	_, name, _ := strings.Cut(folder, "-")
	p := Part{Name: name, Status: "running", Why: text(dir, "why"), Seconds: number(dir, "seconds"), LimitS: number(dir, "limit")}
	if s := text(dir, "status"); s != "" {
		p.Status = s
	}
	p.Exit = int(number(dir, "exit"))
	out, _ := os.ReadFile(filepath.Join(dir, "out"))
	more, _ := os.ReadFile(filepath.Join(dir, "err"))
	var rest []string
	for line := range bytes.Lines(out) {
		line = bytes.TrimSpace(line)
		if len(line) > 0 && line[0] == '{' && json.Valid(line) {
			p.Results = append(p.Results, slices.Clone(line))
		} else if len(line) > 0 {
			rest = append(rest, string(line))
		}
	}
	p.Output = tail(strings.TrimSpace(strings.Join(rest, "\n") + "\n" + string(more)))
	return p
}

// tail is the end of s, from the beginning of a line where it is cut.
func tail(s string) string {
	if len(s) > mostOutput {
		s = s[len(s)-mostOutput:]
		if _, after, cut := strings.Cut(s, "\n"); cut {
			s = after
		}
	}
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "?")
	}
	return s
}

func text(dir, name string) string {
	b, _ := os.ReadFile(filepath.Join(dir, name))
	return strings.ToValidUTF8(strings.TrimSpace(string(b)), "?")
}

func number(dir, name string) float64 {
	n, err := strconv.ParseFloat(text(dir, name), 64)
	if err != nil || n != n || n > 1e9 || n < -1e9 {
		return 0
	}
	return n
}

// readMeasurement is a file that collect wrote.
func readMeasurement(file string) (*Measurement, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	m := new(Measurement)
	if err := json.Unmarshal(data, m); err != nil {
		return nil, fmt.Errorf("%s is no measurement: %w; give a measure.json that kernels/cuda/measure.sh wrote", file, err)
	}
	if m.Format != 1 {
		return nil, fmt.Errorf("%s: format is %d, and this program reads 1; measure again with the measure.sh of the same version", file, m.Format)
	}
	return m, nil
}
