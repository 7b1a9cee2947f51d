package sbert

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/cpu"
)

// tolerance is how far a component, or a cosine, may be from sentence-transformers'.
const tolerance = 1e-5

func device(t testing.TB, o kernels.Options) kernels.Device {
	t.Helper()
	e, err := kernels.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return cpu.New(e)
}

func open(t testing.TB, dir string) *Encoder {
	t.Helper()
	e, err := Load(dir, device(t, kernels.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

func embed(t testing.TB, e *Encoder, text string) []float32 {
	t.Helper()
	v, err := e.Embed(context.Background(), text)
	if err != nil {
		t.Fatalf("%.60q: %v", text, err)
	}
	return v
}

func readJSON(t testing.TB, path string, v any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// near fails where a component differs by more than tolerance, or that of the largest.
func near(t *testing.T, text string, got []float32, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%.60q: %d numbers, want %d", text, len(got), len(want))
		return
	}
	size := max(1, slices.Max(want), -slices.Min(want))
	for i := range got {
		if d := math.Abs(float64(got[i]) - want[i]); !(d <= tolerance*size) {
			t.Errorf("%.60q: component %d is %v, want %v", text, i, got[i], want[i])
			return
		}
	}
}

// TestEmbedAsSentenceTransformers compares poolings, dense layers, prompts and limits with testdata/make.py's.
func TestEmbedAsSentenceTransformers(t *testing.T) {
	var want map[string]struct {
		Longest, Width int
		Texts          []struct {
			Text      string
			Tokens    int
			Embedding []float64
		}
	}
	readJSON(t, filepath.Join("testdata", "expected.json"), &want)
	if len(want) != 4 {
		t.Fatalf("expected.json holds %d encoders, want 4", len(want))
	}
	for name, w := range want {
		t.Run(name, func(t *testing.T) {
			e := open(t, filepath.Join("testdata", name))
			if e.Longest() != w.Longest || e.Width() != w.Width {
				t.Errorf("at most %d tokens, %d numbers; want %d and %d", e.Longest(), e.Width(), w.Longest, w.Width)
			}
			for _, x := range w.Texts {
				ids, err := e.tokenizer.Encode(x.Text, e.longest)
				if err != nil || len(ids) != x.Tokens {
					t.Errorf("%.60q: %d tokens, %v; want %d", x.Text, len(ids), err, x.Tokens)
				}
				near(t, x.Text, embed(t, e, x.Text), x.Embedding)
			}
		})
	}
}

// TestGolden compares with the sentence encoders of the shared fixtures.
func TestGolden(t *testing.T) {
	shared := os.Getenv("LOUPE_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "..", "..", "shared")
	}
	dirs, _ := filepath.Glob(filepath.Join(shared, "golden", "*", "tiny-sbert"))
	if len(dirs) == 0 {
		t.Skip("the sentence encoders of ../shared/golden are not here: set LOUPE_SHARED to their folder")
	}
	for _, dir := range dirs {
		var pairs []struct {
			A, B      string
			Cosine    float64
			Embedding []float64 `json:"a_embedding"`
		}
		readJSON(t, filepath.Join(filepath.Dir(dir), "sbert.json"), &pairs)
		e := open(t, dir)
		for _, p := range pairs {
			a := embed(t, e, p.A)
			near(t, p.A, a, p.Embedding)
			if c := Cosine(a, embed(t, e, p.B)); math.Abs(c-p.Cosine) > tolerance {
				t.Errorf("%s: %.40q, %.40q: cosine %v, want %v", dir, p.A, p.B, c, p.Cosine)
			}
		}
	}
}

// TestPublished compares with a published encoder, LOUPE_SBERT=DIR,EXPECTED.json; testdata/published.py makes the second.
func TestPublished(t *testing.T) {
	dir, file, ok := strings.Cut(os.Getenv("LOUPE_SBERT"), ",")
	if !ok {
		t.Skip("no published encoder: set LOUPE_SBERT to DIR,EXPECTED.json (testdata/published.py)")
	}
	var want []struct {
		Text      string
		Embedding []float64
	}
	readJSON(t, file, &want)
	e := open(t, dir)
	for _, w := range want {
		near(t, w.Text, embed(t, e, w.Text), w.Embedding)
	}
	t.Logf("%d texts, %d numbers each", len(want), e.Width())
}

// TestOneResult: threads and kernels change no bit, nor do the texts before.
func TestOneResult(t *testing.T) {
	dir := filepath.Join("testdata", "max-mean-dense")
	want := embed(t, open(t, dir), "The light is bold.")
	for _, o := range []kernels.Options{{Threads: 1}, {Threads: 3}, {Kernels: "generic"}} {
		e, err := Load(dir, device(t, o))
		if err != nil {
			t.Fatal(err)
		}
		embed(t, e, strings.Repeat("warm ", 40))
		if got := embed(t, e, "The light is bold."); !slices.Equal(got, want) {
			t.Errorf("%+v: other bits", o)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestEmbedStops(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if _, err := open(t, filepath.Join("testdata", "prompt")).Embed(ctx, "light"); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the context's", err)
	}
}

func TestCosine(t *testing.T) {
	for _, c := range []struct {
		a, b []float32
		want float64
	}{
		{[]float32{1, 0}, []float32{0, 3}, 0},
		{[]float32{1, 2}, []float32{2, 4}, 1},
		{[]float32{1, 2}, []float32{-1, -2}, -1},
		{[]float32{3, 4}, []float32{4, 3}, 0.96},
		{[]float32{0, 0}, []float32{1, 1}, 0},
		{[]float32{1e30, 1e30}, []float32{1e30, 1e30}, 1},
	} {
		if got := Cosine(c.a, c.b); math.Abs(got-c.want) > 1e-15 {
			t.Errorf("Cosine(%v, %v) = %v, want %v", c.a, c.b, got, c.want)
		}
	}
}
