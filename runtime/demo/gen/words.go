package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/loupe-vl/loupe/runtime/demo/paint"
)

// line is what words reads: of the data, and of what loupe score prints.
type line struct {
	Image    string `json:"image"`
	Critique string `json:"critique"`
}

// words prints how often critiques name what the painter's name: the family, the level of each dimension, and all six at
// once. A critique that ParseCritique cannot read names nothing.
func words(w io.Writer, said io.Reader, data string) error {
	f, err := os.Open(data)
	if err != nil {
		return fmt.Errorf("read the data: %w", err)
	}
	defer f.Close()
	truth := map[string]string{}
	if err := eachLine(f, func(l line) error { truth[l.Image] = l.Critique; return nil }); err != nil {
		return fmt.Errorf("read %s: %w", data, err)
	}
	var n, read, family, all, namings, near int
	level := map[string]int{}
	err = eachLine(said, func(l line) error {
		want, ok := truth[filepath.Base(l.Image)]
		if !ok {
			return fmt.Errorf("picture %s is not in %s", l.Image, data)
		}
		wantFamily, wantLevel, err := paint.ParseCritique(want)
		if err != nil {
			return fmt.Errorf("%s: %w", data, err)
		}
		n++
		gotFamily, gotLevel, err := paint.ParseCritique(l.Critique)
		if err != nil {
			return nil // it counts, and as wrong
		}
		read++
		right := 0
		if gotFamily == wantFamily {
			family++
			right++
		}
		for _, d := range paint.DimensionNames {
			if gotLevel[d] == wantLevel[d] {
				level[d]++
				right++
			}
		}
		namings += right
		if right == 6 {
			all++
		}
		if right >= 5 {
			near++
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the critiques: %w", err)
	}
	if n == 0 {
		return errors.New("there are no critiques on standard input")
	}
	row := func(name string, k, of int) {
		fmt.Fprintf(w, "%-28s %5d of %5d  %.3f\n", name, k, of, float64(k)/float64(of))
	}
	row("critiques that can be read", read, n)
	row("family", family, n)
	for _, d := range paint.DimensionNames {
		row("level of "+d, level[d], n)
	}
	row("all namings", namings, 6*n)
	row("all six of a picture", all, n)
	row("five or six of a picture", near, n)
	return nil
}

// eachLine decodes JSON Lines.
func eachLine(r io.Reader, f func(l line) error) error {
	d := json.NewDecoder(r)
	for {
		var l line
		if err := d.Decode(&l); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := f(l); err != nil {
			return err
		}
	}
}
