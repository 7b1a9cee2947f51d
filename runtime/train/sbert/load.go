package sbert

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/tensor"
	"github.com/loupe-vl/loupe/tokenizer"
	"github.com/loupe-vl/loupe/weights"
	"github.com/loupe-vl/loupe/weights/disk"
)

// Load opens the sentence encoder in dir, as sentence-transformers saves it: modules.json, the transformer's config.json,
// tokenizer and model.safetensors, and the folder of each module after it. What is missing, or asks for something that is
// not computed, is an error. The device is used and stays the caller's.
func Load(dir string, dev kernels.Device) (e *Encoder, err error) {
	e = &Encoder{dir: dir, device: dev}
	e.arenas.New = func() any { return new(tensor.Arena) }
	defer func() {
		if err != nil {
			e.Close()
			e, err = nil, fmt.Errorf("load sentence encoder %s: %w", dir, err)
		}
	}()
	defer weights.CatchFaults(&err)()
	data, err := disk.Read(filepath.Join(dir, weights.SentenceModulesName), disk.JSONLimit)
	if err != nil {
		return e, fmt.Errorf("%w; sbert.Load takes a directory as sentence-transformers saves it, with modules.json", err)
	}
	modules, err := weights.ParseSentenceModules(filepath.Join(dir, weights.SentenceModulesName), data)
	if err != nil {
		return e, err
	}
	if e.prompt, err = parse(dir, weights.SentenceSettingsName, weights.ParseSentenceSettings); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return e, err
	}
	if e.width, err = e.loadTransformer(filepath.Join(dir, modules[0].Path)); err != nil {
		return e, err
	}
	for _, m := range modules[1:] {
		if err = e.loadModule(m.Kind, filepath.Join(dir, m.Path)); err != nil {
			return e, err
		}
	}
	return e, nil
}

// parse reads one JSON file of dir.
func parse[T any](dir, name string, f func(file string, data []byte) (T, error)) (T, error) {
	path := filepath.Join(dir, name)
	data, err := disk.Read(path, disk.JSONLimit)
	if err != nil {
		var zero T
		return zero, err
	}
	return f(path, data)
}

// loadTransformer reads the BERT in dir and its tokenizer, and returns the width of its rows.
func (e *Encoder) loadTransformer(dir string) (width int, err error) {
	config, err := parse(dir, "config.json", weights.ParseBert)
	if err != nil {
		return 0, err
	}
	settings, err := parse(dir, weights.SentenceBertName, weights.ParseSentenceBert)
	if errors.Is(err, fs.ErrNotExist) {
		settings, err = &weights.SentenceBert{}, nil // older encoders do without
	}
	if err != nil {
		return 0, err
	}
	if e.tokenizer, err = tokenizer.LoadWordPiece(disk.FS(dir)); err != nil {
		return 0, err
	}
	if n := e.tokenizer.Size(); n > config.VocabSize {
		return 0, fmt.Errorf("the tokenizer has %d tokens, and config.json's vocab_size is %d: the files are of different encoders", n, config.VocabSize)
	}
	if settings.LowerCase {
		e.tokenizer.LowerFirst()
	}
	e.longest = settings.MaxSeqLength
	if e.longest == 0 {
		if e.longest = config.MaxPositions; e.tokenizer.MaxLength() > 0 {
			e.longest = min(e.longest, e.tokenizer.MaxLength())
		}
	}
	if e.longest > config.MaxPositions {
		return 0, fmt.Errorf("%s: max_seq_length is %d, and the encoder has %d positions; lower it", weights.SentenceBertName, e.longest, config.MaxPositions)
	}
	p, file, err := e.open(dir)
	if err != nil {
		return 0, err
	}
	prefix := ""
	if file.Has("bert.embeddings.word_embeddings.weight") {
		prefix = "bert." // saved with a head of another task
	}
	e.bert = loadBert(p, prefix, config)
	if err := p.Err(); err != nil {
		return 0, err
	}
	return config.HiddenSize, refuseExtra(file, prefix)
}

// refuseExtra is an error for a tensor that has no place: beside the encoder, BERT's own pooler, a table of positions and the
// head of another task are known, and not used.
func refuseExtra(file *weights.Checkpoint, prefix string) error {
	for _, name := range file.Unused() {
		rest := strings.TrimPrefix(name, prefix)
		if strings.HasPrefix(rest, "pooler.") || rest == "embeddings.position_ids" || strings.HasPrefix(name, "cls.") {
			continue
		}
		return fmt.Errorf("%s: tensor %q has no place in the encoder; does the file belong to this config.json?", file.Files()[0], name)
	}
	return nil
}

// open maps the weights in a folder; Close unmaps them.
func (e *Encoder) open(dir string) (*weights.Params, *weights.Checkpoint, error) {
	_, single := os.Stat(filepath.Join(dir, weights.SingleName))
	_, index := os.Stat(filepath.Join(dir, weights.IndexName))
	if single != nil && index != nil {
		return nil, nil, fmt.Errorf("%s: there is no %s; save the encoder again with sentence-transformers, which writes it (pytorch_model.bin is not read)", dir, weights.SingleName)
	}
	file, err := weights.OpenCheckpoint(dir)
	if err != nil {
		return nil, nil, err
	}
	e.files = append(e.files, file)
	return weights.NewParams(file, e.device), file, nil
}

// loadModule reads a step after the transformer from its folder.
func (e *Encoder) loadModule(kind, dir string) error {
	var m module
	switch kind {
	case "Pooling":
		config, err := parse(dir, "config.json", weights.ParsePooling)
		if err != nil {
			return err
		}
		p := &pooling{config: *config}
		if e.prompt != "" && !config.IncludePrompt {
			ids, err := e.tokenizer.Encode(e.prompt, e.longest)
			if err != nil {
				return err
			}
			p.skip = len(ids) - 1 // sentence-transformers counts the prompt's tokens without the [SEP]
		}
		m = p
	case "Dense":
		config, err := parse(dir, "config.json", weights.ParseDense)
		if err != nil {
			return err
		}
		p, file, err := e.open(dir)
		if err != nil {
			return err
		}
		d := &dense{linear: p.LinearOf("linear", config.Bias, config.Out, config.In), activation: config.Activation}
		if err := p.Err(); err != nil {
			return err
		}
		if err := file.RequireAllUsed(); err != nil {
			return err
		}
		m = d
	case "Normalize":
		_, err := parse(dir, "config.json", func(file string, data []byte) (struct{}, error) {
			return struct{}{}, weights.ParseNormalize(file, data)
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		m = normalize{}
	}
	width, err := m.width(e.width)
	if err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	e.width, e.modules = width, append(e.modules, m)
	return nil
}
