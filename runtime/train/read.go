package train

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/loupe-vl/loupe/runtime/train/metrics"
	"github.com/loupe-vl/loupe/tokenizer"
)

// ReadRecords reads training data: JSON Lines, or CSV with a header by the name of the file. Pictures are relative to the
// file. Every bad line is reported, in one error.
func ReadRecords(path string) ([]Record, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read training data: %w", err)
	}
	defer f.Close()
	read := readLines
	if strings.EqualFold(filepath.Ext(path), ".csv") {
		read = readCSV
	}
	var out []Record
	var bad []error
	err = read(f, func(line int, parse func() (Record, error)) {
		r, err := parse()
		if err == nil {
			err = r.check()
		}
		r.Where = fmt.Sprintf("%s, line %d", path, line)
		if err != nil {
			bad = append(bad, fmt.Errorf("line %d: %w", line, err))
			return
		}
		if !filepath.IsAbs(r.Image) {
			r.Image = filepath.Join(filepath.Dir(path), r.Image)
		}
		out = append(out, r)
	})
	if err != nil {
		bad = append(bad, err)
	}
	if len(bad) > 0 {
		return nil, fmt.Errorf("read training data %s: %w", path, listed(bad))
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("read training data %s: it holds no records", path)
	}
	return out, nil
}

// mostListed is how many of many errors are told one by one.
const mostListed = 20

// listed joins errors into one line.
func listed(errs []error) error {
	var text []string
	for i, err := range errs {
		if i == mostListed {
			text = append(text, fmt.Sprintf("and %d more", len(errs)-i))
			break
		}
		text = append(text, err.Error())
	}
	return errors.New(strings.Join(text, "; "))
}

func (r *Record) check() error {
	values := []float64{}
	if r.Score != nil {
		values = append(values, *r.Score)
	}
	for _, v := range r.Targets {
		values = append(values, v)
	}
	switch {
	case r.Image == "":
		return errors.New("it names no image")
	case len(values) == 0 && r.Critique == "":
		return errors.New("it has neither score nor critique nor targets: there is nothing to learn from it")
	case r.Split != "" && r.Split != "train" && r.Split != "eval":
		return fmt.Errorf("split is %q; give train or eval", r.Split)
	case slices.ContainsFunc(values, func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) }):
		return errors.New("a score or target is not finite")
	}
	if _, ok := r.Targets[scoreName]; ok {
		return errors.New("targets hold a \"score\"; it stands beside them")
	}
	return nil
}

// readLines reads JSON Lines; empty lines are skipped.
func readLines(in io.Reader, each func(line int, parse func() (Record, error))) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 64<<20)
	n := 0
	for lines.Scan() {
		n++
		text := bytes.TrimPrefix(lines.Bytes(), []byte("\ufeff"))
		if len(bytes.TrimSpace(text)) > 0 {
			each(n, func() (Record, error) { return parseRecord(text) })
		}
	}
	return lines.Err()
}

// line is a record as JSON has it, in loupe's layout or in those of LLaMA-Factory and ms-swift.
type line struct {
	Image    string             `json:"image"`
	Score    *float64           `json:"score"`
	Critique string             `json:"critique"`
	Targets  map[string]float64 `json:"targets"`
	Split    string             `json:"split"`
	System   string             `json:"system"`
	Prompt   string             `json:"prompt"`

	Messages      []turn   `json:"messages"`
	Conversations []turn   `json:"conversations"`
	Images        []string `json:"images"`
}

// turn is a message of the chat layouts: role and content, or from and value.
type turn struct{ Role, Content, From, Value string }

func parseRecord(text []byte) (Record, error) {
	var l line
	d := json.NewDecoder(bytes.NewReader(text))
	if !bytes.Contains(text, []byte(`"messages"`)) && !bytes.Contains(text, []byte(`"conversations"`)) {
		d.DisallowUnknownFields() // a misspelt key would be a loss left out
	}
	if err := d.Decode(&l); err != nil {
		return Record{}, fmt.Errorf("%w; a record is an object with image and any of score, critique, targets, split, system, prompt, or messages with images", err)
	}
	r := Record{Image: l.Image, Score: l.Score, Critique: l.Critique, Targets: l.Targets, Split: l.Split, System: l.System, Prompt: l.Prompt}
	if l.Messages == nil && l.Conversations == nil {
		return r, nil
	}
	return r, r.chat(append(l.Messages, l.Conversations...), l.Images)
}

// roles are the chat layouts' names of who speaks.
var roles = map[string]string{"system": "system", "user": "user", "human": "user", "assistant": "assistant", "gpt": "assistant"}

// chat takes a conversation apart: its last answer is the critique, <image> in a text is the picture's place.
func (r *Record) chat(turns []turn, images []string) error {
	if r.Critique != "" || r.Prompt != "" {
		return errors.New("it has messages beside critique or prompt; give one or the other")
	}
	if r.Image == "" && len(images) == 1 {
		r.Image = images[0]
	} else if len(images) != 1 || r.Image != "" {
		return fmt.Errorf("it has %d images; records of one picture can be learned from", len(images))
	}
	if r.System != "" {
		r.Messages = append(r.Messages, tokenizer.Message{Role: "system", Text: r.System})
		r.System = ""
	}
	placed := 0
	for i, t := range turns {
		role, text := roles[t.Role+t.From], t.Content+t.Value
		if role == "" {
			return fmt.Errorf("message %d is of %q; system, user and assistant are known", i+1, t.Role+t.From)
		}
		if i == len(turns)-1 && role == "assistant" {
			r.Critique = text
			break
		}
		m := tokenizer.Message{Role: role}
		for j, piece := range strings.Split(text, "<image>") {
			if j > 0 {
				m.Parts = append(m.Parts, tokenizer.Part{Type: tokenizer.ImagePart})
				placed++
			}
			if piece != "" {
				m.Parts = append(m.Parts, tokenizer.Part{Type: tokenizer.TextPart, Text: piece})
			}
		}
		r.Messages = append(r.Messages, m)
	}
	if placed != 1 {
		return fmt.Errorf("its messages have %d places <image> for one picture", placed)
	}
	return nil
}

// readCSV reads a table (see metrics.OpenTable) whose header names its columns: image, score, critique, split, system, prompt, and targets.
func readCSV(in io.Reader, each func(line int, parse func() (Record, error))) error {
	c, err := metrics.OpenTable(in)
	if err != nil {
		return err
	}
	header, err := c.Read()
	if err != nil {
		return fmt.Errorf("header: %w", err)
	}
	for i, name := range header {
		header[i] = columnName(name)
	}
	if !slices.Contains(header, "image") {
		return fmt.Errorf("the header %q has no column image", header)
	}
	for {
		row, err := c.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		n, _ := c.FieldPos(0)
		each(n, func() (Record, error) { return rowRecord(header, row) })
	}
}

// columnName is a field of a header as records know it: the columns of the layout in any case, targets as they are.
func columnName(field string) string {
	field = strings.TrimSpace(field)
	if known := strings.ToLower(field); slices.Contains([]string{"image", "score", "critique", "split", "system", "prompt"}, known) {
		return known
	}
	return field
}

// IsTableOfRecords reports whether the header of a CSV names a column image.
func IsTableOfRecords(table []byte) bool {
	c, err := metrics.OpenTable(bytes.NewReader(table))
	if err != nil {
		return false
	}
	header, err := c.Read()
	return err == nil && slices.ContainsFunc(header, func(field string) bool { return columnName(field) == "image" })
}

func rowRecord(header, row []string) (Record, error) {
	r := Record{}
	if len(row) != len(header) {
		return r, fmt.Errorf("%d fields for %d columns", len(row), len(header))
	}
	texts := map[string]*string{"image": &r.Image, "critique": &r.Critique, "split": &r.Split, "system": &r.System, "prompt": &r.Prompt}
	for i, name := range header {
		if to := texts[name]; to != nil {
			*to = row[i]
			continue
		}
		if strings.TrimSpace(row[i]) == "" {
			continue
		}
		v, err := metrics.ParseScore(row[i])
		if err != nil {
			return r, fmt.Errorf("column %s: %w", name, err)
		}
		if name == scoreName {
			r.Score = &v
			continue
		}
		if r.Targets == nil {
			r.Targets = map[string]float64{}
		}
		r.Targets[name] = v
	}
	return r, nil
}
