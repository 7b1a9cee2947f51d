package demo_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/demo/paint"
	"github.com/loupe-vl/loupe/vit/picture"
)

// unseenSeed is one that nothing was trained on: train.sh paints from others.
const unseenSeed = 99

// TestUnseenPicturesAreJudged: the embedded model scores pictures that it has not seen as the rubric does, and its critiques
// name what is to be seen. train.log holds the same over hundreds of pictures.
func TestUnseenPicturesAreJudged(t *testing.T) {
	m, err := loupe.Embedded(loupe.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	const pictures, critiques = 40, 20
	truth, said := map[string][]float64{}, map[string][]float64{}
	add := func(target string, want, got float64) {
		truth[target], said[target] = append(truth[target], want), append(said[target], got)
	}
	named, namings := 0, 0
	for i := range pictures {
		p := paint.Paint(unseenSeed, i)
		load := func(context.Context) (picture.Image, error) {
			return picture.Image{Width: p.Width, Height: p.Height, Pix: p.Pix}, nil
		}
		s, words, err := m.ScoreAndCritique(context.Background(), loupe.Picture{Name: "painted", Load: load}, loupe.Rubric, loupe.DefaultQuestion, i < critiques, loupe.Generation{MaxTokens: 80})
		if err != nil {
			t.Fatal(err)
		}
		add("score", p.Score, s.Score)
		for k, name := range paint.DimensionNames {
			for _, target := range s.Targets {
				if target.Name == name {
					add(name, p.Dimensions.Values()[k], target.Clamped)
				}
			}
		}
		if i < critiques {
			namings += 6
			named += agreements(words, p.Critique)
		}
	}
	for target, least := range map[string]float64{"score": 0.95, "originality": 0.9, "color": 0.9, "texture": 0.9, "composition": 0.9, "content": 0.9} {
		r, mae := stat.Correlation(said[target], truth[target], nil), 0.0
		for i := range said[target] {
			mae += math.Abs(said[target][i]-truth[target][i]) / pictures
		}
		t.Logf("%-12s r = %.3f, mean error %.1f", target, r, mae)
		if len(said[target]) != pictures || !(r > least) {
			t.Errorf("%s of %d pictures follows the truth with r = %.3f, want more than %.2f", target, len(said[target]), r, least)
		}
		if target == "score" && mae > 4 {
			t.Errorf("the score is off by %.1f on average, want less than 4", mae)
		}
	}
	t.Logf("%d of %d namings are right", named, namings)
	if 10*named < 9*namings {
		t.Errorf("critiques name %d of %d families and levels rightly, want nine in ten", named, namings)
	}
}

// agreements is how many of the family and the five levels a critique names as another does; 0 where it cannot be read.
func agreements(said, truth string) int {
	family, level, err := paint.ParseCritique(strings.TrimSpace(said))
	wantFamily, want, wantErr := paint.ParseCritique(truth)
	if err != nil || wantErr != nil {
		return 0
	}
	n := 0
	if family == wantFamily {
		n++
	}
	for _, d := range paint.DimensionNames {
		if level[d] == want[d] {
			n++
		}
	}
	return n
}
