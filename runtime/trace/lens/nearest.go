package lens

import (
	"context"
	"fmt"
	"math"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/tensor"
	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/weights/option"
)

// NearestWords are, for each picture token of the prompt, the words of the most similar embeddings.
type NearestWords struct {
	Layer  int            `json:"layer"` // -1: the merger's rows as they enter the first layer
	Tokens []NearestToken `json:"tokens"`
}

// NearestToken is one picture token: its position in the prompt, and the words by the cosine with their embedding, the largest
// first.
type NearestToken struct {
	Position int    `json:"position"`
	Words    []Word `json:"words"`
}

// Nearest finds the words nearest to each picture token, by the cosine between the residual stream after a layer (Input:
// before the first) and the rows of the embedding. It tells how far picture tokens lie near words at that layer. In a large
// model the merger's rows are near no word, and later layers bring them nearer (Schwettmann and others, arXiv 2308.01544).
func Nearest(ctx context.Context, m *loupe.Model, p *loupe.Prompt, layer, top int) (*NearestWords, error) {
	if _, err := chosenLayers(m, []int{layer}); err != nil {
		return nil, err
	}
	if vocab := m.Config.Text.VocabSize; top < 1 || top > vocab {
		return nil, &option.Error{Field: "report.LensOptions.Top", Value: top, Want: fmt.Sprintf("give a number from 1 to %d, the words of the vocabulary", vocab)}
	}
	rows := picturePositions(p)
	if rows == nil {
		return nil, &option.Error{Field: "Files.Images", Fault: "there is no picture to look at", Want: "give Files.Images or Files.Videos"}
	}
	kept, err := readResidual(ctx, m, p, []int{layer}, rows)
	if err != nil {
		return nil, err
	}
	table, err := m.Decoder.EmbedLoRA.Table(m.Learner().DeviceOf("model.embed_tokens"), m.Decoder.Embed)
	if err != nil {
		return nil, err
	}
	lengths := rowLengths(m, table)
	placed, err := m.Device().PlaceWeight(table)
	if err != nil {
		return nil, err
	}
	out := &NearestWords{Layer: layer}
	x := kept[layer]
	for lo := 0; lo < x.Rows; lo += lensRows {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		part := x.Slice(lo, min(lo+lensRows, x.Rows))
		r := m.NewRun(ctx, nil)
		cosines := cosinesOf(r.Download(r.MatMul(part, placed, kernels.TransW)), part, lengths)
		if r.Err() != nil {
			return nil, r.Err()
		}
		for i := range part.Rows {
			of := NearestToken{Position: rows[lo+i]}
			for _, id := range largest(cosines.Row(i), top) {
				of.Words = append(of.Words, word(m, id, float64(cosines.Row(i)[id])))
			}
			out.Tokens = append(out.Tokens, of)
		}
	}
	return out, nil
}

// picturePositions are the positions in the prompt of its images' tokens, then of its videos'.
func picturePositions(p *loupe.Prompt) []int {
	var out []int
	for _, v := range []*loupe.Vision{p.Images, p.Videos} {
		if v != nil {
			out = append(out, v.At...)
		}
	}
	return out
}

// rowLengths are the Euclidean lengths of a table's rows.
func rowLengths(m *loupe.Model, table kernels.Matrix) []float64 {
	out := make([]float64, table.Rows)
	m.Engine("lengths of the rows of the vocabulary").For(table.Rows, 64, func(lo, hi int) {
		row := make([]float32, table.Cols)
		for i := lo; i < hi; i++ {
			table.Row(row, i)
			out[i] = math.Sqrt(dot(row, row))
		}
	})
	return out
}

// cosinesOf makes out, the products of each row of x with each row of a table, their cosines; with a row of zeros it is 0.
func cosinesOf(out, x tensor.Tensor, lengths []float64) tensor.Tensor {
	for i := range x.Rows {
		length := math.Sqrt(dot(x.Row(i), x.Row(i)))
		row := out.Row(i)
		for j, v := range row {
			row[j] = 0
			if n := length * lengths[j]; n > 0 {
				row[j] = float32(float64(v) / n)
			}
		}
	}
	return out
}
