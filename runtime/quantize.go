package loupe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/weights"
	"github.com/loupe-vl/loupe/weights/disk"
	"github.com/loupe-vl/loupe/weights/option"
)

// besideWeights are the files of a model directory that go with its weights, of whichever version of transformers wrote it, and
// the folder of further templates.
var besideWeights = []string{
	"config.json", "generation_config.json", weights.PreprocessorName, weights.VideoPreprocessorName, weights.ProcessorName, "tokenizer.json", "tokenizer_config.json",
	"vocab.json", "merges.txt", "added_tokens.json", "special_tokens_map.json", "chat_template.json", "chat_template.jinja", "additional_chat_templates/*.jinja", weights.InputSettingsName,
}

// copyBeside copies the files that go with a model's weights into dir; edit, if it is not nil, may change what they hold. The
// config.json of what is made of the embedded model says so; see Notice.
func (m *Model) copyBeside(dir string, edit func(name string, data []byte) ([]byte, error)) error {
	if own := edit; m.demonstration {
		edit = func(name string, data []byte) (out []byte, err error) {
			if out = data; own != nil {
				out, err = own(name, data)
			}
			if err == nil && name == "config.json" {
				out, err = marked(out)
			}
			return out, err
		}
	}
	var names []string
	for _, pattern := range besideWeights {
		found, err := fs.Glob(m.files, pattern)
		if err != nil {
			return err
		}
		names = append(names, found...)
	}
	for _, name := range names {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o777); err != nil {
			return err
		}
	}
	return copyFiles(m.files, names, dir, edit)
}

// copyFiles copies those of the files that are there.
func copyFiles(files fs.FS, names []string, dir string, edit func(name string, data []byte) ([]byte, error)) error {
	for _, name := range names {
		err := copyFile(files, name, filepath.Join(dir, name), edit)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// copyFile copies one file, whatever its size where nobody edits it.
func copyFile(files fs.FS, name, to string, edit func(name string, data []byte) ([]byte, error)) error {
	var from io.Reader
	if edit != nil {
		data, err := fs.ReadFile(files, name)
		if err == nil {
			data, err = edit(name, data)
		}
		if err != nil {
			return err
		}
		from = bytes.NewReader(data)
	} else {
		f, err := files.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		from = f
	}
	return disk.WriteFile(to, func(w io.Writer) error { _, err := io.Copy(w, from); return err })
}

// QuantizeOptions are how a model is quantized once and for all.
type QuantizeOptions struct {
	Precision  string // int8 or int4
	Group      int    // weights of a row that share a scale: see kernels.Quantizing. int4's 8-bit weights keep their own
	ZeroPoints bool   // int4: each group has a zero of its own
	// Progress is told how many matrices of how many are written; it may be nil.
	Progress func(done, of int)
}

// Validate refuses what cannot be meant, by an [OptionError].
func (o QuantizeOptions) Validate() error {
	switch {
	case o.Precision != "int8" && o.Precision != "int4":
		return &option.Error{Field: "QuantizeOptions.Precision", Value: o.Precision, Want: "give int8 or int4, which weights can be quantized to"}
	case o.ZeroPoints && o.Precision == "int8":
		return &option.Error{Field: "QuantizeOptions.ZeroPoints", Value: true, Fault: "QuantizeOptions.ZeroPoints goes with QuantizeOptions.Precision int4", Want: "leave it away"}
	}
	if err := o.named().Check(); err != nil {
		return &option.Error{Field: "QuantizeOptions.Group", Value: o.Group, Err: err}
	}
	return nil
}

// Quantize writes the model, which must be exact, into a new directory dir with quantized weights, which load as they lie. They
// are those that the precision makes of the model at load, where the group is [DefaultGroup] and there are no zero points. On any error, and
// if ctx is canceled, nothing is left at dir.
func (m *Model) Quantize(ctx context.Context, dir string, o QuantizeOptions) error {
	if err := o.Validate(); err != nil {
		return err
	}
	if p := m.Settings().Precision; p != "exact" {
		return fmt.Errorf("model %s is %s already; quantize the one that it was made of", m.Name(), p)
	}
	if m.Adapter != nil {
		return &option.Error{Field: "Options.Adapter", Value: m.options.Adapter, Fault: "quantize takes no Options.Adapter", Want: "merge it first with train.Merge, or use it beside the quantized model"}
	}
	out, err := disk.CreateDir(dir)
	if err != nil {
		return err
	}
	defer out.Abort() // does nothing after Commit
	if err := m.writeQuantized(ctx, out.Temp, o); err != nil {
		return fmt.Errorf("quantize %s: %w", m.Name(), err)
	}
	return out.Commit()
}

func (m *Model) writeQuantized(ctx context.Context, dir string, o QuantizeOptions) (err error) {
	defer weights.CatchFaults(&err)()
	var linears []weights.QuantizedLinear
	replaced := map[string]bool{}
	all := append(m.linears(), m.Decoder.LMHead)
	done := 0
	for _, l := range all {
		how := o.quantizing(l.Name)
		if how.Bits == 0 {
			continue
		}
		replaced[l.Name+".weight"] = true
		linears = append(linears, weights.QuantizedLinear{Name: l.Name, Rows: l.W.Rows, Cols: l.W.Cols, How: how, Make: func() (*kernels.PackedWeights, error) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if done++; o.Progress != nil {
				defer o.Progress(done, len(linears))
			}
			return m.engine.Quantize(l.W.Matrix, how)
		}})
	}
	var rest []weights.Named
	for _, t := range m.checkpoint.Tensors() {
		if !replaced[t.Name] {
			rest = append(rest, weights.FromTensor(t.Name, t))
		}
	}
	if err := weights.WriteQuantized(filepath.Join(dir, weights.SingleName), o.Precision, linears, rest); err != nil {
		return err
	}
	if err := m.unchanged(); err != nil {
		return err
	}
	if err := m.copyBeside(dir, nil); err != nil {
		return err
	}
	head := m.files
	if from := m.options.headDir(); from != "" {
		head = disk.FS(from)
	}
	return copyFiles(head, []string{weights.ScoreHeadConfigName, weights.ScoreHeadWeightsName}, dir, nil)
}

// takePrecision settles the precision of a checkpoint: a quantized one has its own.
func (m *Model) takePrecision() error {
	made := m.checkpoint.Precision()
	switch {
	case made == "":
		return nil
	case made != "int8" && made != "int4":
		return fmt.Errorf("the checkpoint was quantized to %q, which this program does not know", made)
	case m.options.Precision != "" && m.options.Precision != made:
		return &option.Error{Field: "Options.Precision", Value: m.options.Precision, Fault: fmt.Sprintf("the model was quantized to %s, so Options.Precision %s cannot be had of it", made, m.options.Precision), Want: "leave it away, or load the model that it was made of"}
	}
	m.options.Precision = made
	return nil
}

// mustBeQuantized is the converter of a quantized checkpoint: the weights that its precision quantizes must have been.
func mustBeQuantized(precision string) weights.Converter {
	return func(name string, w kernels.Matrix) (kernels.Matrix, bool, error) {
		if (QuantizeOptions{Precision: precision}).quantizing(name).Bits != 0 {
			return w, false, fmt.Errorf("it is not quantized, but the file says that the model is %s; make the model again with `loupe quantize`", precision)
		}
		return w, false, nil
	}
}

// weightBytes is how many bytes the weights of one part take for each of its parameters, scales counted: "visual." or "model.",
// which has the logits with it.
func (m *Model) weightBytes(part string) float64 {
	bytes, n := 0, 0
	for _, l := range append(m.linears(), m.Decoder.LMHead) {
		if strings.HasPrefix(l.Name, part) || part == "model." && l == m.Decoder.LMHead {
			bytes, n = bytes+l.W.Bytes(), n+l.W.Rows*l.W.Cols
		}
	}
	return float64(bytes) / float64(n)
}
