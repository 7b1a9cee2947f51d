package attribution

import (
	"bytes"
	"context"
	"math"
	"os"
	"path/filepath"
	"testing"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/internal/fixture"
	"github.com/loupe-vl/loupe/weights/reftest"
)

// The fixture is made by ../testdata/make.py from the reference implementation: whole products of attention matrices, and
// gradients by autograd.
var (
	committed  = filepath.Join("..", "..", "testdata", "golden")
	headDir    = filepath.Join("..", "testdata", "head")
	references = filepath.Join("..", "testdata", "attribution.safetensors")
)

// The steps of the fixture's integrated gradients and curves.
const fixtureSteps, fixtureCurve = 8, 6

// tolerance is how far a map may be from the reference's, as a part of its largest value.
const tolerance = 1e-3

var caseNames = []string{"image", "two_images", "image_and_video"}

// eachCase runs a test for every case of the fixture.
func eachCase(t *testing.T, f func(t *testing.T, name string, c *fixture.Case, want fixture.Reference)) {
	want := fixture.ReadReference(t, references)
	for _, name := range caseNames {
		t.Run(name, func(t *testing.T) { f(t, name, fixture.Open(t, committed, name, headDir), want) })
	}
}

func compute(t *testing.T, c *fixture.Case, method Method, o Options) *Map {
	t.Helper()
	out, err := Compute(context.Background(), c.Model, c.Prompt, method, o)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// like compares a map with the fixture's.
func like(t *testing.T, want fixture.Reference, name string, got *Map) {
	t.Helper()
	reftest.Compare(t, name, got.All(), want.Float64s(t, name), tolerance)
}

func TestAttention(t *testing.T) {
	eachCase(t, func(t *testing.T, name string, c *fixture.Case, want fixture.Reference) {
		got := compute(t, c, Raw, Options{})
		like(t, want, name+"/raw", got)
		reftest.Compare(t, "elsewhere", []float64{got.Elsewhere}, want.Float64s(t, name+"/raw elsewhere"), tolerance)
		like(t, want, name+"/raw layer 1 head 2 query -3", compute(t, c, Raw, Options{Layers: []int{1}, Heads: []int{2}, Query: new(-3)}))
		like(t, want, name+"/raw tower", compute(t, c, Raw, Options{Tower: true}))
		like(t, want, name+"/rollout", compute(t, c, Rollout, Options{}))
		like(t, want, name+"/rollout tower", compute(t, c, Rollout, Options{Tower: true}))
	})
}

func TestGradients(t *testing.T) {
	eachCase(t, func(t *testing.T, name string, c *fixture.Case, want fixture.Reference) {
		logit := &loupe.GradTarget{Token: -1}
		for method, o := range map[Method]Options{
			Relevance: {Target: logit}, GradCAM: {Target: logit}, Integrated: {Target: logit, Steps: fixtureSteps}, Occlusion: {Target: logit},
		} {
			if _, ok := want[name+"/"+string(method)+" logit"]; ok {
				got := compute(t, c, method, o)
				like(t, want, name+"/"+string(method)+" logit", got)
				if id := want.Int(t, name+"/token"); got.Target != targetName(loupe.GradTarget{Token: id}) {
					t.Errorf("%s explains %s, want the logit of token %d", method, got.Target, id)
				}
			}
			o.Target = nil // the score, since there is a head
			if _, ok := want[name+"/"+string(method)+" score"]; ok {
				like(t, want, name+"/"+string(method)+" score", compute(t, c, method, o))
			}
		}
	})
}

func TestRelative(t *testing.T) {
	want := fixture.ReadReference(t, references)
	c := fixture.Open(t, committed, "image", "")
	generic, err := c.Model.Prepare(context.Background(), WithQuestion(c.Input, GenericQuestion))
	if err != nil {
		t.Fatal(err)
	}
	like(t, want, "image/relative", compute(t, c, Relative, Options{Generic: generic}))
	like(t, want, "image/relative layer 1", compute(t, c, Relative, Options{Generic: generic, Layers: []int{1}}))
	same := compute(t, c, Relative, Options{Generic: c.Prompt})
	for i, v := range same.All() {
		if v != 1 {
			t.Fatalf("against itself, value %d is %v, want 1", i, v)
		}
	}
}

func TestContributions(t *testing.T) {
	eachCase(t, func(t *testing.T, name string, c *fixture.Case, want fixture.Reference) {
		for _, target := range []string{"score", "color"} {
			got := compute(t, c, Contribution, Options{Target: &loupe.GradTarget{Score: true, Name: target}})
			like(t, want, name+"/contribution "+target, got)
			reftest.Compare(t, "total", []float64{got.Sum.Total}, want.Float64s(t, name+"/total "+target), 2e-6)
			addsUp(t, got)
			if r := got.Sum.Remainder; r > 1e-4 || r < -1e-4 {
				t.Errorf("rounding is %v points", r)
			}
		}
	})
}

// addsUp adds the parts of a map as Sum says and fails unless that is the total, to the bit.
func addsUp(t *testing.T, m *Map) {
	t.Helper()
	sum := m.Sum.Base
	for _, p := range m.Panels {
		for _, v := range p.Values {
			sum += v
		}
	}
	sum += m.Elsewhere
	sum += m.Sum.Remainder
	if sum != m.Sum.Total {
		t.Errorf("the parts add up to %v, not to %v", sum, m.Sum.Total)
	}
}

// TestHeadBehindTheDecoder: a head may read the decoder's rows in place of the tower's; the text then has parts too.
func TestHeadBehindTheDecoder(t *testing.T) {
	want := fixture.ReadReference(t, references)
	config, err := os.ReadFile(filepath.Join(headDir, "score_head.json"))
	if err != nil {
		t.Fatal(err)
	}
	weights, err := os.ReadFile(filepath.Join(headDir, "score_head.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	config = bytes.Replace(config, []byte("visual.merger"), []byte("model.norm"), 1)
	for name, data := range map[string][]byte{"score_head.json": config, "score_head.safetensors": weights} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range caseNames {
		c := fixture.Open(t, committed, name, dir)
		got := compute(t, c, Contribution, Options{})
		like(t, want, name+"/contribution normed", got)
		reftest.Compare(t, "total", []float64{got.Sum.Total}, want.Float64s(t, name+"/total normed"), 2e-6)
		addsUp(t, got)
		if got.Elsewhere == 0 {
			t.Error("the text has no part")
		}
		like(t, want, name+"/relevance normed", compute(t, c, Relevance, Options{}))
	}
}

// TestTargets: gradients along the path, of every kind of target, add up to what the target gains on it: Value and the gradient
// are of the same number.
func TestTargets(t *testing.T) {
	c := fixture.Open(t, committed, "image", headDir)
	for _, text := range []string{"score:color", "logit:7", "logprob:7", "diff:7,9", "logit:7@-3"} {
		target, err := loupe.ParseGradTarget(text, c.Model.Tokenizer)
		if err != nil {
			t.Fatal(err)
		}
		got := compute(t, c, Integrated, Options{Target: &target, Steps: 24})
		if got.Target != text {
			t.Errorf("%s is told as %s", text, got.Target)
		}
		addsUp(t, got)
		moved := 0.0
		for _, v := range got.All() {
			moved += math.Abs(v)
		}
		if miss := math.Abs(got.Sum.Remainder); !(miss < 0.05*moved) {
			t.Errorf("%s: the path misses %.3g of %.3g", text, miss, moved)
		}
	}
}
