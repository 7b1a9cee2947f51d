package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/loupe-vl/loupe/weights"
	"github.com/loupe-vl/loupe/weights/disk"
)

func main() {
	var begin, pack, out, data string
	flag.StringVar(&begin, "init", "", "write the untrained model to `DIR`")
	flag.StringVar(&pack, "pack", "", "write the trained model in `DIR` as it is embedded, to -out")
	flag.StringVar(&out, "out", filepath.Join("runtime", "demo"), "the `DIR` of package demo: gets picture.png and model/")
	flag.StringVar(&data, "words", "", "hold the critiques on standard input, as loupe score --critique --json prints them, against those of `FILE`.jsonl")
	flag.Parse()
	var err error
	switch {
	case begin != "":
		err = initialize(begin)
	case pack != "":
		err = embed(pack, out)
	case data != "":
		err = words(os.Stdout, os.Stdin, data)
	default:
		err = errors.New("give -init, -pack or -words")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

// initialize writes a model directory whose weights are random, and which has no score head yet.
func initialize(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("make the model directory: %w", err)
	}
	if err := companions(dir); err != nil {
		return err
	}
	return weights.Write(filepath.Join(dir, weights.SingleName), modelTensors(), format)
}

// format is an entry that transformers writes, and without which it refuses a file.
var format = map[string]string{"format": "pt"}

// companions writes what lies beside the weights.
func companions(dir string) error {
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
		if err := writeFile(filepath.Join(dir, f.name), data); err != nil {
			return err
		}
	}
	return nil
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
	return disk.WriteFile(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}
