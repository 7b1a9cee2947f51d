package audit

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	loupe "github.com/loupe-vl/loupe/runtime"
)

// TestCost: recording a decision costs under 3 % of it on a model of real width. LOUPE_AUDIT_MODEL names one: a request is made plain and
// recorded in turns, with a picture and an answer of 16 tokens. The digests of the model's files, once a process, are told apart.
func TestCost(t *testing.T) {
	dir := os.Getenv("LOUPE_AUDIT_MODEL")
	if dir == "" {
		t.Skip("LOUPE_AUDIT_MODEL names no model of real width to measure the cost of records on")
	}
	m, err := loupe.Load(dir, loupe.Options{MaxPixels: 200704})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	b, err := OpenBook(filepath.Join(t.TempDir(), "audits"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	start := time.Now()
	if _, err := partsOf(context.Background(), m); err != nil {
		t.Fatal(err)
	}
	t.Logf("digests of the model's files and tensors: %.1f s, once", time.Since(start).Seconds())
	r := NewRecorder(b, m)
	q := judged(t, true)
	q.Generation = loupe.Generation{MaxTokens: 16, IgnoreEOS: true}
	if _, err := r.Decide(context.Background(), q, nil); err != nil {
		t.Fatal(err)
	}
	var ratios []float64
	for i := range 9 {
		timed := func(run func() error) float64 {
			start := time.Now()
			if err := run(); err != nil {
				t.Fatal(err)
			}
			return time.Since(start).Seconds()
		}
		plain := func() error {
			p, err := m.Prepare(context.Background(), q.Input)
			if err != nil {
				return err
			}
			a, err := m.Answer(context.Background(), p, q.Generation)
			if err != nil {
				return err
			}
			for _, err := range a.Tokens() {
				if err != nil {
					return err
				}
			}
			return nil
		}
		recorded := func() error { _, err := r.Decide(context.Background(), q, nil); return err }
		var one, two float64
		if i%2 == 0 {
			one, two = timed(plain), timed(recorded)
		} else {
			two, one = timed(recorded), timed(plain)
		}
		ratios = append(ratios, two/one)
		t.Logf("plain %.2f s, recorded %.2f s", one, two)
	}
	slices.Sort(ratios)
	if median := ratios[len(ratios)/2]; median > 1.03 {
		t.Errorf("a recorded request takes %.3f of a plain one", median)
	} else {
		t.Logf("a recorded request takes %.3f of a plain one", median)
	}
}
