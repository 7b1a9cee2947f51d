package loupe_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/kernels"
	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/tokenizer"
	"github.com/loupe-vl/loupe/vit/picture"
	"github.com/loupe-vl/loupe/weights"
)

// TestWhatTheHeadReads: the rows that a head reads are those of its tap, bit for bit, whichever tower they are of, in one piece or in
// chunks; and the score is told as soon as it is known, once, and is the one that the run has.
func TestWhatTheHeadReads(t *testing.T) {
	m := embedded(t, loupe.Options{MaxPixels: 28 * 28 * 4, PrefillChunk: 5})
	img := picture.Image{Width: 56, Height: 56, Pix: make([]byte, 3*56*56)}
	for i := range img.Pix {
		img.Pix[i] = byte(i * i / 61)
	}
	in := loupe.Ask("What moves?", img)
	in.Messages[0].Parts = append(in.Messages[0].Parts, tokenizer.Part{Type: tokenizer.VideoPart})
	in.Videos = [][]picture.Image{{img, img}}
	p, err := m.Prepare(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	for _, input := range []weights.HeadInput{weights.BlockInput(1), weights.MergerInput, weights.NormInput} {
		for _, pool := range []weights.Pool{weights.PoolMean, weights.PoolLast} {
			cfg := weights.ScoreHeadConfig{Version: 1, Input: input, Pool: pool, Targets: []weights.ScoreTarget{{Name: "score", Std: 10, Min: 1, Max: 100}}}
			if err := m.Learner().NewHead(cfg); err != nil {
				t.Fatal(err)
			}
			setHead(t, m)
			name := input.Tap()
			var tap, read []float32
			var told []float64
			decoding := false
			o := loupe.Taps(name, "model.embed_tokens") // a plain name is of both passes
			o.Scored = func(s *loupe.Score, rows []loupe.Tap) error {
				told = append(told, s.Targets[0].Value)
				if input.FromTower() == decoding {
					t.Errorf("%s: the score is told before the decoder begins: %v", name, !decoding)
				}
				return nil
			}
			traced, err := m.Trace(context.Background(), p, o, func(of loupe.Tap) error {
				decoding = decoding || of.Name == "model.embed_tokens"
				if strings.HasPrefix(of.Name, name) {
					tap = append(tap, of.Data...)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			s, rows, err := m.ScoreRows(context.Background(), p)
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range rows {
				read = append(read, part.Data...)
			}
			if !slices.Equal(read, tap) || len(tap) == 0 {
				t.Errorf("%s: the head reads %d numbers, and the tap has %d, or they differ", name, len(read), len(tap))
			}
			if want := traced.Score.Targets[0].Value; want == 0 || s.Targets[0].Value != want || !slices.Equal(told, []float64{want}) {
				t.Errorf("%s %s: the trace has %v, Score %v, and told was %v", name, pool, want, s.Targets[0].Value, told)
			}
		}
	}
}

// setHead gives the only layer of the model's head weights of several signs and sizes.
func setHead(t *testing.T, m *loupe.Model) {
	t.Helper()
	w := &m.Head.Layers[0].W
	x := make([]float32, w.Rows*w.Cols)
	for i := range x {
		x[i] = float32(i%7-3) / 8
	}
	if err := kernels.SetWeight(m.Device(), w, x); err != nil {
		t.Fatal(err)
	}
}
