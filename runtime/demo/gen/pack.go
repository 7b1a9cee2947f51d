package main

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"

	"github.com/loupe-vl/loupe/runtime/demo/paint"
	"github.com/loupe-vl/loupe/weights"
)

// pictureSeed and pictureIndex say which painting is embedded. Nothing is trained on this seed.
const pictureSeed, pictureIndex = 2026, 52

// embed writes what package demo embeds into dir, which must exist: the picture, and the trained model with its weights
// rounded to bf16 (to the nearest, ties to even). Each file appears whole or not at all.
func embed(trained, dir string) error {
	if _, err := os.Stat(dir); err != nil {
		return fmt.Errorf("find package demo: %w; run this from the module's root, or name the folder with -out", err)
	}
	model := filepath.Join(dir, "model")
	if err := os.MkdirAll(model, 0o755); err != nil {
		return fmt.Errorf("make the model directory: %w", err)
	}
	if err := companions(model); err != nil {
		return err
	}
	c, err := weights.OpenCheckpoint(trained)
	if err != nil {
		return fmt.Errorf("read the trained model: %w", err)
	}
	defer c.Close()
	if err := weights.Write(filepath.Join(model, weights.SingleName), rounded(c.Tensors()), format); err != nil {
		return err
	}
	if err := packHead(trained, model); err != nil {
		return fmt.Errorf("read the trained score head: %w", err)
	}
	data, err := encodePNG(paint.Paint(pictureSeed, pictureIndex).Image())
	if err != nil {
		return fmt.Errorf("encode the picture: %w", err)
	}
	return writeFile(filepath.Join(dir, "picture.png"), data)
}

// rounded are tensors as bf16.
func rounded(tensors []weights.Tensor) []weights.Named {
	var out []weights.Named
	for _, t := range tensors {
		if t.DType == weights.F32 {
			out = append(out, weights.FromBF16(t.Name, t.Shape, t.F32()))
		} else {
			out = append(out, weights.FromTensor(t.Name, t))
		}
	}
	return out
}

// packHead copies the score head, which stays float32.
func packHead(trained, model string) error {
	data, err := os.ReadFile(filepath.Join(trained, weights.ScoreHeadConfigName))
	if err != nil {
		return err
	}
	cfg, err := weights.ParseScoreHead(weights.ScoreHeadConfigName, data)
	if err != nil {
		return err
	}
	c, err := weights.OpenCheckpointFile(filepath.Join(trained, weights.ScoreHeadWeightsName))
	if err != nil {
		return err
	}
	defer c.Close()
	var all []weights.Named
	for _, t := range c.Tensors() {
		all = append(all, weights.FromTensor(t.Name, t))
	}
	if err := weights.Write(filepath.Join(model, weights.ScoreHeadWeightsName), all, format); err != nil {
		return err
	}
	return weights.WriteScoreHead(filepath.Join(model, weights.ScoreHeadConfigName), cfg)
}

// encodePNG compresses as well as it can. The compressed bytes are one Go release's; the pixels are everyone's.
func encodePNG(img image.Image) ([]byte, error) {
	var b bytes.Buffer
	e := png.Encoder{CompressionLevel: png.BestCompression}
	err := e.Encode(&b, img)
	return b.Bytes(), err
}
