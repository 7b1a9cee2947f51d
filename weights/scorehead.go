package weights

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/loupe-vl/loupe/weights/disk"
)

// The file names of a score head, beside the model or in a directory of its own.
const (
	ScoreHeadConfigName  = "score_head.json"
	ScoreHeadWeightsName = "score_head.safetensors"
)

// ScoreHeadConfig is score_head.json: what the head reads, how it pools, its
// layers, and what its outputs mean.
type ScoreHeadConfig struct {
	Version int           `json:"version"` // 1
	Input   HeadInput     `json:"input"`   // written as a tap: visual.merger, visual.blocks.N.out or model.norm
	Pool    Pool          `json:"pool"`    // mean or last
	Hidden  []int         `json:"hidden"`  // widths of the GELU layers between; empty: one linear layer
	Targets []ScoreTarget `json:"targets"` // one for each output, in order
}

// ScoreTarget is one output of the head: its value is output*Std + Mean,
// clamped to Min..Max where it is shown as a score.
type ScoreTarget struct {
	Name string  `json:"name"`
	Mean float64 `json:"mean"`
	Std  float64 `json:"std"`
	Min  float64 `json:"min"`
	Max  float64 `json:"max"`
}

// ScoreName is the target that stands for the whole picture.
const ScoreName = "score"

// Main is the place of the target that stands for the whole picture: the one
// named "score", wherever it is, or the first where none has that name.
func (c *ScoreHeadConfig) Main() int {
	for i, t := range c.Targets {
		if t.Name == ScoreName {
			return i
		}
	}
	return 0
}

// ParseScoreHead checks a score_head.json; file stands for it in errors. Every
// key is needed and none other is known.
func ParseScoreHead(file string, data []byte) (*ScoreHeadConfig, error) {
	obj, err := parseObject(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	f := newFields(file, obj)
	c := &ScoreHeadConfig{
		Version: f.integer("version", 1, 1),
		Input:   f.headInput("input"),
		Pool:    Pool(f.text("pool", string(PoolMean), string(PoolLast))),
		Hidden:  f.integers("hidden", 0, 16, 1, 1<<16),
	}
	seen := map[string]bool{}
	for i, v := range f.list("targets", 1, 4096) {
		t := tracked(&fields{file: file, prefix: fmt.Sprintf("targets[%d].", i), err: f.err, notes: f.notes, read: map[string]bool{}})
		if t.obj, _ = v.(object); t.obj == nil {
			f.fail("targets", "holds %s, not objects", kindOf(v))
			break
		}
		c.Targets = append(c.Targets, readTarget(t, seen))
	}
	f.onlyRead()
	if *f.err != nil {
		return nil, *f.err
	}
	return c, nil
}

// headInput is the tap under key.
func (f *fields) headInput(key string) HeadInput {
	in, err := ParseHeadInput(f.text(key))
	if err != nil {
		f.fail(key, "%v", err)
	}
	return in
}

func readTarget(f *fields, seen map[string]bool) ScoreTarget {
	const big = 1e30
	t := ScoreTarget{
		Name: f.text("name"),
		Mean: f.number("mean", -big, big),
		Std:  f.number("std", 1e-30, big),
		Min:  f.number("min", -big, big),
		Max:  f.number("max", -big, big),
	}
	switch {
	case *f.err != nil:
	case t.Name == "":
		f.fail("name", "is empty")
	case seen[t.Name]:
		f.fail("name", "is %q, as an earlier target's", t.Name)
	case t.Min >= t.Max:
		f.fail("min", "is %g, not below max %g", t.Min, t.Max)
	}
	seen[t.Name] = true
	f.onlyRead()
	return t
}

// onlyRead refuses keys that were not read.
func (f *fields) onlyRead() {
	for _, key := range sortedKeys(f.obj) {
		if !f.read[key] {
			f.fail(key, "is not a key that loupe knows here")
		}
	}
}

// WriteScoreHead checks c as ParseScoreHead would and writes it atomically.
func WriteScoreHead(path string, c *ScoreHeadConfig) error {
	out := *c
	if out.Hidden == nil {
		out.Hidden = []int{} // the key must hold a list
	}
	data, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if _, err := ParseScoreHead(path, data); err != nil {
		return fmt.Errorf("refusing to write: %w", err)
	}
	return disk.WriteFile(path, func(w io.Writer) error {
		_, err := w.Write(append(data, '\n'))
		return err
	})
}
