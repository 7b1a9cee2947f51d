package lens

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/internal/fixture"
	"github.com/loupe-vl/loupe/vit/picture"
	"github.com/loupe-vl/loupe/weights/reftest"
)

// The fixture is made by ../testdata/make.py from the reference implementation and NumPy.
var (
	committed  = filepath.Join("..", "..", "testdata", "golden")
	references = filepath.Join("..", "testdata", "lens.safetensors")
)

const tolerance = 1e-3

func open(t *testing.T) (*fixture.Case, fixture.Reference) {
	return fixture.Open(t, committed, "image", ""), fixture.ReadReference(t, references)
}

func TestLogitLens(t *testing.T) {
	c, want := open(t)
	var rows []int
	for _, r := range want["rows"].I64() {
		rows = append(rows, int(r))
	}
	logits := want.Float64s(t, "logit lens")
	vocab := c.Model.Config.Text.VocabSize
	got, err := Logit(context.Background(), c.Model, c.Prompt, LogitOptions{Positions: rows, Top: 3})
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range got.Rows {
		if row.Position != rows[i] || row.Token.ID != c.Prompt.IDs[rows[i]] {
			t.Errorf("row %d is token %d at %d", i, row.Token.ID, row.Position)
		}
		if n := c.Model.Config.Text.NumHiddenLayers + 1; len(row.Layers) != n {
			t.Fatalf("%d layers, want %d", len(row.Layers), n)
		}
		for l, layer := range row.Layers {
			x := logits[(l*len(rows)+i)*vocab:][:vocab]
			p := softmax(x)
			order := make([]int, vocab)
			for j := range order {
				order[j] = j
			}
			slices.SortStableFunc(order, func(a, b int) int { return int(math.Copysign(1, x[b]-x[a])) })
			name := fmt.Sprintf("position %d, layer %d", row.Position, layer.Layer)
			for k, w := range layer.Words {
				if w.ID != order[k] && math.Abs(x[w.ID]-x[order[k]]) > 1e-4 {
					t.Errorf("%s: word %d is %d, want %d", name, k, w.ID, order[k])
				}
				reftest.Compare(t, name+" word", []float64{w.Value, w.Prob}, []float64{x[w.ID], p[w.ID]}, tolerance)
			}
			entropy := 0.0
			for _, v := range p {
				entropy -= v * math.Log(v)
			}
			f := row.Followed.ID
			rank := 0
			for _, v := range x {
				if v > x[f] {
					rank++
				}
			}
			reftest.Compare(t, name, []float64{layer.Prob, layer.Entropy}, []float64{p[f], entropy}, tolerance)
			if layer.Rank != rank {
				t.Errorf("%s: rank %d, want %d", name, layer.Rank, rank)
			}
		}
	}
}

func softmax(x []float64) []float64 {
	out := make([]float64, len(x))
	sum := 0.0
	for i, v := range x {
		out[i] = math.Exp(v - slices.Max(x))
		sum += out[i]
	}
	for i := range out {
		out[i] /= sum
	}
	return out
}

// TestLastLayerIsTheModel: behind the last layer the lens is what the model says, to the bit.
func TestLastLayerIsTheModel(t *testing.T) {
	c, _ := open(t)
	var said []float32
	_, err := c.Model.Trace(context.Background(), c.Prompt, loupe.TraceOptions{Taps: []string{"lm_head"}}, func(x loupe.Tap) error {
		said = x.Data[len(x.Data)-x.Shape[1]:]
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := Logit(context.Background(), c.Model, c.Prompt, LogitOptions{Layers: []int{2}, Top: len(said)})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range got.Rows[0].Layers[0].Words {
		if w.Value != float64(said[w.ID]) {
			t.Fatalf("token %d has the logit %v, and the model says %v", w.ID, w.Value, said[w.ID])
		}
	}
}

func TestDirectLogit(t *testing.T) {
	c, want := open(t)
	got, err := DirectLogit(context.Background(), c.Model, c.Prompt, DirectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if id := want.Int(t, "token"); got.Token.ID != id {
		t.Errorf("token is %d, want %d", got.Token.ID, id)
	}
	reftest.Compare(t, "logit", []float64{got.Logit}, want.Float64s(t, "logit"), tolerance)
	reftest.Compare(t, "parts", values(got), want.Float64s(t, "direct"), tolerance)
	sum := 0.0
	for _, v := range values(got) {
		sum += v
	}
	if sum+got.Remainder != got.Logit || math.Abs(got.Remainder) > 1e-4 {
		t.Errorf("parts add up to %v with a remainder of %v, not to %v", sum, got.Remainder, got.Logit)
	}
	if names := []string{got.Parts[0].Name(), got.Parts[3].Name(), got.Parts[5].Name()}; !slices.Equal(names, []string{"input", "0.2", "0.mlp"}) {
		t.Errorf("names are %v", names)
	}
	// The difference of two logits is the difference of their parts.
	other := 7
	b, err := DirectLogit(context.Background(), c.Model, c.Prompt, DirectOptions{Token: &other})
	if err != nil {
		t.Fatal(err)
	}
	d, err := DirectLogit(context.Background(), c.Model, c.Prompt, DirectOptions{Against: &other})
	if err != nil {
		t.Fatal(err)
	}
	diff := values(got)
	for i, v := range values(b) {
		diff[i] -= v
	}
	reftest.Compare(t, "difference", values(d), diff, 1e-5)
}

func values(d *Direct) []float64 {
	var out []float64
	for _, p := range d.Parts {
		out = append(out, p.Value)
	}
	return out
}

// TestDirectLogitWithAdapter: a low-rank branch of o_proj belongs to its heads.
func TestDirectLogitWithAdapter(t *testing.T) {
	dir := filepath.Join(fixture.Shared(t), "golden", "a")
	m, err := loupe.Load(filepath.Join(dir, "model"), loupe.Options{Adapter: filepath.Join(dir, "train", "lora_adapter")})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	p, err := m.Prepare(context.Background(), loupe.Ask("Score this painting."))
	if err != nil {
		t.Fatal(err)
	}
	got, err := DirectLogit(context.Background(), m, p, DirectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(got.Remainder) > 1e-4 {
		t.Errorf("the remainder is %v: a part is missing", got.Remainder)
	}
}

func TestNearest(t *testing.T) {
	c, want := open(t)
	got, err := Nearest(context.Background(), c.Model, c.Prompt, Input, 3)
	if err != nil {
		t.Fatal(err)
	}
	ids, cosines := want["nearest"].I64(), want.Float64s(t, "nearest cosine")
	n := 0
	for i, token := range got.Tokens {
		if token.Position != c.Prompt.Images.At[i] {
			t.Errorf("token %d is at %d", i, token.Position)
		}
		for _, w := range token.Words {
			if w.ID != int(ids[n]) {
				t.Errorf("picture token %d: %d, want %d", i, w.ID, ids[n])
			}
			reftest.Compare(t, "cosine", []float64{w.Value}, cosines[n:n+1], tolerance)
			n++
		}
	}
	if n != len(ids) {
		t.Errorf("%d words, want %d", n, len(ids))
	}
	if _, err := Nearest(context.Background(), c.Model, c.Prompt, 2, 1); err != nil {
		t.Error(err)
	}
}

func TestComponents(t *testing.T) {
	c, want := open(t)
	got, err := Components(context.Background(), c.Model, c.Prompt, "visual.blocks.2.out")
	if err != nil {
		t.Fatal(err)
	}
	var flat []float64
	for _, row := range got.Rows {
		flat = append(flat, row[:]...)
	}
	reftest.Compare(t, "components", flat, want.Float64s(t, "pca"), tolerance)
	reftest.Compare(t, "shares", got.Share[:], want.Float64s(t, "pca share"), tolerance)
}

func TestCKA(t *testing.T) {
	c, want := open(t)
	for _, tower := range []string{"tower", "decoder"} {
		got, err := CKA(context.Background(), c.Model, c.Prompt, c.Model, c.Prompt, tower == "tower")
		if err != nil {
			t.Fatal(err)
		}
		var flat []float64
		for _, line := range got.Values {
			flat = append(flat, line...)
		}
		reftest.Compare(t, tower, flat, want.Float64s(t, "cka "+tower), tolerance)
	}
}

// TestDirectAtEachPosition: 0 is the first token, and wherever a logit is divided its parts add up to the bit.
func TestDirectAtEachPosition(t *testing.T) {
	c, _ := open(t)
	for _, at := range []int{0, 1, 17, len(c.Prompt.IDs) - 1, -1, -len(c.Prompt.IDs)} {
		got, err := DirectLogit(context.Background(), c.Model, c.Prompt, DirectOptions{Position: &at})
		if err != nil {
			t.Fatal(err)
		}
		if want := (at + len(c.Prompt.IDs)) % len(c.Prompt.IDs); got.Position != want {
			t.Errorf("position %d is told as %d", at, got.Position)
		}
		sum := 0.0
		for _, p := range got.Parts {
			sum += p.Value
		}
		if sum+got.Remainder != got.Logit {
			t.Errorf("position %d: the parts add up to %v, and the logit is %v", at, sum+got.Remainder, got.Logit)
		}
	}
}

// TestCKAOfOtherDepths: models of other depths are compared, each with all of its blocks.
func TestCKAOfOtherDepths(t *testing.T) {
	img := picture.Image{Width: 84, Height: 84, Pix: make([]byte, 3*84*84)}
	for i := range img.Pix {
		img.Pix[i] = byte(i * i >> 6)
	}
	deep, err := loupe.Embedded(loupe.Options{MaxPixels: 28 * 28 * 9})
	if err != nil {
		t.Fatal(err)
	}
	defer deep.Close()
	flat, err := loupe.Load(committed+"/model", loupe.Options{MaxPixels: 28 * 28 * 9})
	if err != nil {
		t.Fatal(err)
	}
	defer flat.Close()
	a, err := deep.Prepare(context.Background(), loupe.Ask("Hello", img))
	if err != nil {
		t.Fatal(err)
	}
	b, err := flat.Prepare(context.Background(), loupe.Ask("Hello", img))
	if err != nil {
		t.Fatal(err)
	}
	got, err := CKA(context.Background(), deep, a, flat, b, true)
	if err != nil {
		t.Fatal(err)
	}
	turned, err := CKA(context.Background(), flat, b, deep, a, true)
	if err != nil {
		t.Fatal(err)
	}
	if n, m := deep.Config.Vision.Depth, flat.Config.Vision.Depth; n == m || len(got.Rows) != n || len(got.Columns) != m || len(turned.Rows) != m || len(turned.Columns) != n {
		t.Fatalf("of %d and %d blocks the table has %d rows and %d columns, and turned %d and %d", n, m, len(got.Rows), len(got.Columns), len(turned.Rows), len(turned.Columns))
	}
	for i := range got.Rows {
		for j, v := range got.Values[i] {
			if !(v > 0 && v <= 1) || !(math.Abs(v-turned.Values[j][i]) < 1e-5) {
				t.Errorf("block %d and block %d are %v alike, and turned %v", i, j, v, turned.Values[j][i])
			}
		}
	}
}

func TestErrors(t *testing.T) {
	c, _ := open(t)
	ctx := context.Background()
	text, err := c.Model.Prepare(context.Background(), loupe.Ask("Hello"))
	if err != nil {
		t.Fatal(err)
	}
	big := 576
	for name, e := range map[string]struct {
		err  func() error
		want string
	}{
		"layer": {func() error { _, err := Logit(ctx, c.Model, c.Prompt, LogitOptions{Layers: []int{3}}); return err }, "layer 3"},
		"position": {func() error {
			_, err := Logit(ctx, c.Model, c.Prompt, LogitOptions{Positions: []int{-500}})
			return err
		}, "position -500"},
		"top":        {func() error { _, err := Logit(ctx, c.Model, c.Prompt, LogitOptions{Top: 577}); return err }, "LogitOptions.Top is 577"},
		"follow":     {func() error { _, err := Logit(ctx, c.Model, c.Prompt, LogitOptions{Follow: &big}); return err }, "token 576"},
		"token":      {func() error { _, err := DirectLogit(ctx, c.Model, c.Prompt, DirectOptions{Token: &big}); return err }, "token 576"},
		"no picture": {func() error { _, err := Nearest(ctx, c.Model, text, Input, 1); return err }, "no picture"},
		"no words":   {func() error { _, err := Nearest(ctx, c.Model, c.Prompt, Input, 0); return err }, "LensOptions.Top is 0"},
		"no tap":     {func() error { _, err := Components(ctx, c.Model, c.Prompt, "visual.nothing"); return err }, "visual.nothing"},
		"several taps": {func() error {
			_, err := Components(ctx, c.Model, c.Prompt, "visual.blocks.?.out")
			return err
		}, "names 3 taps"},
		"three axes": {func() error {
			_, err := Components(ctx, c.Model, c.Prompt, "model.layers.0.self_attn.probs")
			return err
		}, "rows and columns"},
		"other towers": {func() error {
			_, err := CKA(ctx, c.Model, c.Prompt, c.Model, text, false)
			return err
		}, "other grids"},
		"other words": {func() error {
			other, err := c.Model.Prepare(context.Background(), loupe.Ask("Howdy"))
			if err != nil {
				return err
			}
			_, err = CKA(ctx, c.Model, text, c.Model, other, false)
			return err
		}, "other tokens"},
		"layer twice": {func() error { _, err := Logit(ctx, c.Model, c.Prompt, LogitOptions{Layers: []int{1, 1}}); return err }, "named twice"},
		"position twice": {func() error {
			_, err := Logit(ctx, c.Model, c.Prompt, LogitOptions{Positions: []int{-1, len(c.Prompt.IDs) - 1}})
			return err
		}, "named twice"},
	} {
		if err := e.err(); err == nil || !strings.Contains(err.Error(), e.want) {
			t.Errorf("%s: error is %v, want one with %q", name, err, e.want)
		}
	}
}

func TestLargest(t *testing.T) {
	if got := largest([]float32{1, 5, 2, 5, 0, 7}, 4); !slices.Equal(got, []int{5, 1, 3, 2}) {
		t.Errorf("largest are %v", got)
	}
	if got := largest([]float32{3, 3}, 5); !slices.Equal(got, []int{0, 1}) {
		t.Errorf("largest of fewer are %v", got)
	}
}
