package loupe

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/loupe-vl/loupe/kernels/tensor"
	"github.com/loupe-vl/loupe/weights"
	"github.com/loupe-vl/loupe/weights/option"
)

// linears lists the linear maps of both towers in the order of the computation, without lm_head.
func (m *Model) linears() []*tensor.Linear {
	return append(m.Tower.Linears(), m.Decoder.Linears()...)
}

// adaptable lists the linear maps that an adapter can have a branch beside: those of both towers and lm_head.
func (m *Model) adaptable() []*tensor.Linear { return append(m.linears(), m.Decoder.LMHead) }

// norms lists the norms of both towers in the order of the computation.
func (m *Model) norms() []*tensor.Norm {
	return append(m.Tower.Norms(), m.Decoder.Norms()...)
}

// refreshDoRA computes what DoRA divides by again, from the weights as they are now: after each step in which branches learned.
func (m *Model) refreshDoRA() error {
	for _, l := range m.adaptable() {
		if err := l.Refresh(m.devices.Of(l.Name)); err != nil {
			return err
		}
	}
	return m.Decoder.EmbedLoRA.Refresh(m.devices.Of(embedName), m.Decoder.Embed)
}

// adaptersIn says which folders of a directory hold an adapter: training leaves checkpoint-500 and the like, and PEFT
// an adapter that is not named default.
func adaptersIn(dir string) string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return ""
	}
	var names []string
	for _, e := range entries {
		if weights.HasAdapter(filepath.Join(dir, e.Name())) {
			names = append(names, e.Name())
		}
	}
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf(", and here there are some in %s", strings.Join(names, ", "))
}

// besideAdapters are files that training leaves beside an adapter with weights that PEFT does not read.
var besideAdapters = []string{"non_lora_state_dict.bin", "non_lora_trainables.bin", "vit.safetensors", "value_head.safetensors", "value_head.bin"}

// note tells of patterns that match nothing, and of weights beside the adapter that are not part of it.
func (a *adapter) note() {
	for _, p := range a.chosen.Unmatched {
		a.m.Notes = append(a.m.Notes, fmt.Sprintf("%s: %s matches no module with a branch and is passed over, as PEFT does", filepath.Join(a.dir, weights.AdapterConfigName), p))
	}
	for _, name := range besideAdapters {
		if _, err := os.Stat(filepath.Join(a.dir, name)); err == nil {
			a.m.Notes = append(a.m.Notes, fmt.Sprintf("%s holds %s, weights that learned beside the adapter; they are not read, as PEFT does not read them: if they matter, merge them into the model with the tool that wrote them", a.dir, name))
		}
	}
}

// adapter is an adapter while it is put on a model.
type adapter struct {
	m       *Model
	dir     string
	file    string
	config  *weights.AdapterConfig
	modules []weights.Module
	stored  map[[2]string]string // names of tensors by module and part
	naming  weights.Naming
	chosen  *weights.AdapterSelection
	params  *weights.Params
}

// adapterBeside refuses a directory that holds an adapter beside a model, where nothing says which is meant: transformers reads
// the weights of the model that adapter_config.json names, and the adapter, and passes over those that lie here.
func adapterBeside(files fs.FS, dir string, o Options) error {
	const name = weights.AdapterConfigName
	if _, err := fs.Stat(files, name); err != nil || o.Adapter != "" {
		return nil
	}
	return &option.Error{Field: "Options.Adapter", Fault: fmt.Sprintf("%s lies beside the weights, and transformers would read the model that it names with that adapter", filepath.Join(dir, name)),
		Want: fmt.Sprintf("give Options.Adapter %s too to run these weights with it, or remove %s to run them alone", dir, name)}
}

// loadAdapter puts what the adapter in dir holds beside and in place of the model's weights. Nothing is silent: a tensor that the
// configuration names and the file lacks, one that it does not name, and one of another shape are errors.
func (m *Model) loadAdapter(dir string) error {
	cfg, err := weights.ReadAdapter(filepath.Join(dir, weights.AdapterConfigName))
	if err != nil {
		others := ""
		if !weights.HasAdapter(dir) {
			others = adaptersIn(dir)
		}
		return fmt.Errorf("%w; Options.Adapter takes a directory as PEFT writes it%s", err, others)
	}
	a := &adapter{m: m, dir: dir, config: cfg, file: filepath.Join(dir, weights.AdapterWeightsName), modules: m.Config.Modules()}
	if err := a.open(); err != nil {
		return err
	}
	if err := a.choose(); err != nil {
		return err
	}
	a.params = weights.NewParamsOn(m.adapterFile, m.devices)
	for _, part := range []func() error{a.retied, a.replace, a.branches} {
		if err := part(); err != nil {
			return err
		}
	}
	if err := a.params.Err(); err != nil {
		return err
	}
	a.note()
	m.Adapter = cfg.Resolved(a.chosen)
	return m.refreshDoRA()
}

// open maps the adapter's weights and lists them by module and part.
func (a *adapter) open() (err error) {
	if _, gone := os.Stat(a.file); errors.Is(gone, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(a.dir, weights.AdapterPickleName)); err == nil {
			return fmt.Errorf("%s holds %s, which only Python can read: load it with PEFT and save it again (save_pretrained writes %s)", a.dir, weights.AdapterPickleName, weights.AdapterWeightsName)
		}
		return fmt.Errorf("%s is not there, though %s is%s", a.file, weights.AdapterConfigName, adaptersIn(a.dir))
	}
	if a.m.adapterFile, err = weights.OpenCheckpointFile(a.file); err != nil {
		return err
	}
	a.stored = map[[2]string]string{}
	named := false
	for _, t := range a.m.adapterFile.Tensors() {
		of, ok := weights.ParseAdapterName(t.Stored)
		if !ok {
			return fmt.Errorf("%s: tensor %q is no part of a LoRA adapter as PEFT names them", a.file, t.Stored)
		}
		key := [2]string{of.Module, of.Part}
		if first := a.stored[key]; first != "" { // with bias "all" PEFT writes biases of what is saved whole twice
			if same, err := a.m.adapterFile.Tensor(first); err != nil || same.DType != t.DType || !bytes.Equal(same.Data, t.Data) {
				return fmt.Errorf("%s: tensors %q and %q are the same part of one module, and differ; remove one", a.file, first, t.Stored)
			}
			continue
		}
		a.stored[key] = t.Name
		if !slices.ContainsFunc(a.modules, func(m weights.Module) bool { return m.Name == of.Module && m.Kind != weights.OtherModule }) {
			return fmt.Errorf("%s: tensor %q is for %s, which this model does not have; is it an adapter of another model, or of another class of this one?", a.file, t.Stored, of.Module)
		}
		if t.Len() == 0 {
			return fmt.Errorf("%s: tensor %q is empty, shape %s: DeepSpeed ZeRO-3 and FSDP leave such behind where the parts of a weight are not gathered before it is saved; save the adapter again", a.file, t.Stored, weights.ShapeString(t.Shape))
		}
		if err := weights.CheckFinite(t); err != nil {
			return err
		}
		if of.Known && (!named || a.naming == weights.Earlier) { // as which two others name the vision tower
			a.naming, named = of.Naming, true
		}
	}
	return nil
}

// has reports whether the file holds a part of a module.
func (a *adapter) has(module, part string) bool { return a.stored[[2]string{module, part}] != "" }

// choose settles what the configuration names. Its names and patterns are of the naming that the file's tensors have, or, where
// what they name is not what the file holds, of another: some tools rename the one and not the other.
func (a *adapter) choose() error {
	var first error
	for i, n := range []weights.Naming{a.naming, weights.Later, weights.Earlier} {
		s, err := a.config.Select(a.modules, n, a.m.Config.Text.TieWordEmbeddings)
		if err != nil {
			err = fmt.Errorf("%s: %w", filepath.Join(a.dir, weights.AdapterConfigName), err)
		} else if err = a.agrees(s); err == nil {
			a.chosen = s
			return nil
		}
		if i == 0 {
			first = err
		}
	}
	return first
}

// agrees is an error where the file lacks what the selection names, or holds what it does not name.
func (a *adapter) agrees(s *weights.AdapterSelection) error {
	if name := s.Missing(a.modules, a.config.DoRA, a.has); name != "" {
		return fmt.Errorf("%s: it has no tensor %q, which %s asks for: the adapter is not whole; save or download it again", a.file, name, weights.AdapterConfigName)
	}
	for _, t := range a.m.adapterFile.Tensors() {
		of, _ := weights.ParseAdapterName(t.Stored)
		i := slices.IndexFunc(a.modules, func(m weights.Module) bool { return m.Name == of.Module }) // open found it
		if !s.Takes(a.modules[i], of.Part, a.config.DoRA) {
			return fmt.Errorf("%s: tensor %q is there, and %s does not name it; mend the configuration, or remove the tensor", a.file, t.Stored, weights.AdapterConfigName)
		}
	}
	return nil
}

// headDir is where the score head is looked for: Options.Head, or the adapter's directory if it holds one, or beside the model.
func (o Options) headDir() string {
	if o.Head == "" && o.Adapter != "" {
		if _, err := os.Stat(filepath.Join(o.Adapter, weights.ScoreHeadConfigName)); !errors.Is(err, fs.ErrNotExist) {
			return o.Adapter
		}
	}
	return o.Head
}
