package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/loupe-vl/loupe/weights"
)

func main() {
	out := flag.String("out", filepath.Join("runtime", "demo"), "the `DIR` of package demo: gets picture.png and model/")
	flag.Parse()
	if err := generate(*out); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

// generate writes the picture and the model directory into dir, which must exist, each file atomically.
func generate(dir string) error {
	if _, err := os.Stat(dir); err != nil {
		return fmt.Errorf("find package demo: %w; run this from the module's root, or name the folder with -out", err)
	}
	model := filepath.Join(dir, "model")
	if err := os.MkdirAll(model, 0o755); err != nil {
		return fmt.Errorf("make the model directory: %w", err)
	}
	b, err := train(corpus(), vocabSize-256-len(special))
	if err != nil {
		return fmt.Errorf("train the tokenizer: %w", err)
	}
	for _, f := range []struct {
		name    string
		content any
	}{
		{"config.json", config()},
		{"generation_config.json", generationConfig()},
		{"preprocessor_config.json", preprocessorConfig()},
		{"tokenizer.json", tokenizerJSON(b)},
		{"tokenizer_config.json", tokenizerConfig()},
		{"chat_template.json", map[string]string{"chat_template": chatTemplate}},
	} {
		data, err := encodeJSON(f.content, " ")
		if err != nil {
			return fmt.Errorf("encode %s: %w", f.name, err)
		}
		if err := writeFile(filepath.Join(model, f.name), data); err != nil {
			return err
		}
	}
	// transformers writes this entry, and refuses files without it.
	format := map[string]string{"format": "pt"}
	if err := weights.Write(filepath.Join(model, weights.SingleName), modelTensors(), format); err != nil {
		return err
	}
	if err := weights.WriteScoreHead(filepath.Join(model, weights.ScoreHeadConfigName), scoreHead()); err != nil {
		return err
	}
	if err := weights.Write(filepath.Join(model, weights.ScoreHeadWeightsName), headTensors(), format); err != nil {
		return err
	}
	png, err := encodePNG(paint())
	if err != nil {
		return fmt.Errorf("encode the picture: %w", err)
	}
	return writeFile(filepath.Join(dir, "picture.png"), png)
}

// encodeJSON is v as JSON without the escapes that are only for web pages: special tokens hold < and >.
func encodeJSON(v any, indent string) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	err := e.Encode(v)
	return b.Bytes(), err
}

func writeFile(path string, data []byte) error {
	return weights.WriteFileAtomic(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}
