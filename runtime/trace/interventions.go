package trace

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/loupe-vl/loupe/kernels/tensor"
	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/weights"
	"github.com/loupe-vl/loupe/weights/disk"
)

// entry is one intervention as its file has it.
type entry struct {
	Tap   string   `json:"tap"`
	Op    string   `json:"op"`
	Head  *int     `json:"head"`
	Rows  []int    `json:"rows"`
	Value string   `json:"value"` // FILE.safetensors#TENSOR
	Scale *float32 `json:"scale"`
	Data  string   `json:"data"` // a directory of pictures, or a file of records
}

// datasetMean sets rows to the mean over the pictures of `data`.
const datasetMean = "dataset-mean"

var ops = map[string]tensor.EditOp{"zero": tensor.Zero, "scale": tensor.Scale, "add": tensor.Add, "set": tensor.Set, "mean": tensor.Mean, datasetMean: tensor.Set}

// ReadInterventions reads a list of interventions from a JSON file:
//
//	[{"tap": "model.layers.0.out", "op": "add", "value": "vectors.safetensors#steer", "scale": 0.5}]
//
// Paths of values and of the pictures of a dataset-mean are relative to the JSON file. [loupe.Model.FillMeans] computes the
// means. Unknown keys and operations are errors.
func ReadInterventions(path string) ([]loupe.Intervention, error) {
	data, err := disk.Read(path, disk.JSONLimit)
	if err != nil {
		return nil, fmt.Errorf("read interventions: %w", err)
	}
	out, err := ParseInterventions(data, func(ref string) ([]float32, int, error) { return readValue(ref, filepath.Dir(path)) })
	if err == nil && len(out) == 0 {
		err = errors.New("it holds no intervention; leave the file away to change nothing")
	}
	if err != nil {
		return nil, fmt.Errorf("read interventions %s: %w", path, err)
	}
	for i := range out {
		if data := out[i].Dataset; data != "" && !filepath.IsAbs(data) {
			out[i].Dataset = filepath.Join(filepath.Dir(path), data)
		}
	}
	return out, nil
}

// mostValues bounds the values in a list of interventions: rows are listed one by one, and each intervention is matched at
// every tap point.
const mostValues = 1 << 18

// ParseInterventions is ReadInterventions for the content of a file. value returns the tensor that an entry's value names,
// and its number of columns if it has two dimensions.
func ParseInterventions(data []byte, value func(ref string) ([]float32, int, error)) ([]loupe.Intervention, error) {
	if err := disk.BoundJSON(data, mostValues); err != nil {
		return nil, err
	}
	var list []json.RawMessage
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, inWords(err)
	}
	entries := make([]entry, len(list))
	for i, one := range list {
		d := json.NewDecoder(bytes.NewReader(one))
		d.DisallowUnknownFields()
		if err := d.Decode(&entries[i]); err != nil {
			return nil, fmt.Errorf("number %d: %w", i+1, inWords(err))
		}
	}
	out := make([]loupe.Intervention, len(entries))
	for i, e := range entries {
		var err error
		if out[i], err = e.intervention(value); err != nil {
			return nil, fmt.Errorf("number %d: %w", i+1, err)
		}
	}
	return out, nil
}

// keyForms says what the value of each key of an entry is.
var keyForms = map[string]string{
	"tap": "a text", "op": "a text", "value": "a text, FILE.safetensors#TENSOR", "head": "a whole number", "scale": "a number that float32 holds",
	"rows": "a list of whole numbers", "data": "a text, a directory of pictures or a file of records",
}

// inWords rewords an error of encoding/json: what the JSON should be.
func inWords(err error) error {
	var kind *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &kind) && keyForms[kind.Field] != "":
		return fmt.Errorf("`%s` is a %s; it must be %s", kind.Field, kind.Value, keyForms[kind.Field])
	case errors.As(err, &syntax):
		return fmt.Errorf("it is no JSON: %s, at byte %d; %s", disk.JSONWords(err), syntax.Offset, entryForm)
	case errors.As(err, &kind):
		return fmt.Errorf("it has a %s in the wrong place; %s", kind.Value, entryForm)
	}
	if key, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); unknown {
		return fmt.Errorf("key %s is unknown; %s", key, entryForm)
	}
	return fmt.Errorf("%w; %s", err, entryForm)
}

const entryForm = "interventions must be a list of objects with tap, op and, where the op needs them, head, rows, value, scale, data"

func (e entry) intervention(read func(ref string) ([]float32, int, error)) (loupe.Intervention, error) {
	op, ok := ops[e.Op]
	iv := loupe.Intervention{Tap: e.Tap, Op: op, Head: loupe.AllHeads, Rows: e.Rows, Scale: 1}
	switch {
	case e.Tap == "":
		return iv, fmt.Errorf("`tap` is missing: name a tap point")
	case !ok:
		return iv, fmt.Errorf("op %q is unknown; zero, scale, add, set, mean and dataset-mean are known", e.Op)
	case (e.Op == datasetMean) != (e.Data != ""):
		return iv, fmt.Errorf("op %s: `data`, a directory of pictures or a file of records, goes with dataset-mean, and with no other", e.Op)
	case (op == tensor.Add || e.Op == "set") != (e.Value != ""):
		return iv, fmt.Errorf("op %s: `value` goes with add and set, and with no other", e.Op)
	case op == tensor.Scale && e.Scale == nil:
		return iv, fmt.Errorf("op scale needs `scale`")
	case e.Op == datasetMean && strings.HasPrefix(e.Tap, "steps."):
		return iv, fmt.Errorf("op dataset-mean: a mean over pictures is of their prompts; name %s without its step", e.Tap)
	case e.Scale != nil && op != tensor.Scale && op != tensor.Add:
		return iv, fmt.Errorf("op %s: `scale` goes with scale and add only", e.Op)
	case e.Rows != nil && len(e.Rows) == 0:
		return iv, fmt.Errorf("`rows` is empty: name rows, or leave it out for all")
	case e.Head != nil && *e.Head < 0:
		return iv, fmt.Errorf("`head` is %d: name a head from 0, or leave it out for all", *e.Head)
	}
	iv.Dataset = e.Data
	if e.Head != nil {
		iv.Head = *e.Head
	}
	if e.Scale != nil {
		iv.Scale = *e.Scale
	}
	var err error
	if e.Value != "" {
		iv.Value, iv.Width, err = read(e.Value)
	}
	return iv, err
}

// readValue reads FILE.safetensors#TENSOR, where FILE is as a trace writes it, and the number of its columns.
func readValue(ref, dir string) (value []float32, columns int, err error) {
	file, name, ok := strings.Cut(ref, "#")
	if !ok || name == "" {
		return nil, 0, fmt.Errorf("value %q names no tensor; write FILE.safetensors#TENSOR", ref)
	}
	if ext := strings.ToLower(filepath.Ext(file)); ext == ".npz" || ext == ".npy" {
		return nil, 0, fmt.Errorf("value %q: values are read from .safetensors files; write the trace to one, or save the array with safetensors.numpy", ref)
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(dir, file)
	}
	f, err := weights.Open(file)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	t, err := f.Tensor(name)
	if err != nil {
		return nil, 0, err
	}
	if value, err = t.Float32s(); err != nil {
		return nil, 0, err
	}
	if len(t.Shape) == 2 {
		columns = t.Shape[1]
	}
	return slices.Clone(value), columns, nil // it may be a view of the map, which ends here
}
