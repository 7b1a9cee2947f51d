package train

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/loupe-vl/loupe/kernels"
)

// identity is everything that the result of a run depends on, by the key of an option or in words. A run resumes only from
// a checkpoint of its own; otherwise the user is told what differs.
type identity map[string]string

// keyPrefix begins the key of an option in an identity, which checkpoints hold: "--head-lr". Keys stay as they are, so that
// checkpoints of older versions can be resumed. Errors name the field, "train.Options.HeadLR".
const keyPrefix = "--"

// The parts of an identity that are no options.
const (
	identityData   = "the data (records, their order, their pictures)"
	identityModel  = "the model's weights"
	identitySteps  = "how records make steps, which has changed since"
	identityValues = "what learns, before the first step (" + keyPrefix + "adapter, " + keyPrefix + "head)"
)

// keyNames are the keys of options that are not spelled as the field is.
var keyNames = map[string]string{
	"LoRA.Rank": "lora-rank", "LoRA.Alpha": "lora-alpha", "LoRA.Dropout": "lora-dropout", "LoRA.Targets": "lora-target", "LoRA.RSLoRA": "rslora", "LoRA.DoRA": "dora", "LoRA.Modules": "train-modules",
	"Decay": "weight-decay", "Schedule.Kind": "schedule", "Schedule.Warmup": "warmup",
}

// keys are the options that a result depends on, by their key, without empty ones.
func (o Options) keys() (map[string]string, error) {
	o.Data, o.Columns, o.ImageFolder, o.Out, o.Resume, o.CheckpointEvery = "", nil, "", "", false, 0
	o.Recompute, o.AutoRecompute, o.Epochs = false, false, 0
	o.LoRA.Freeze = nil // it is Freeze
	if o.Full || o.HeadOnly {
		o.LoRA = LoRAOptions{}
	}
	if o.ScoreLoss == SquaredLoss {
		o.ScoreLoss = ""
	}
	if o.BestBy == BestByLoss {
		o.BestBy = ""
	}
	if o.Raters == RatersMean {
		o.Raters = ""
	}
	if o.HeadInit == "zero" {
		o.HeadInit = ""
	}
	if o.Schedule.Kind == "constant" {
		o.Steps = 0 // more steps then leave those before them as they were
	}
	text, err := json.Marshal(o)
	if err != nil {
		return nil, fmt.Errorf("write down the options: %w", err)
	}
	out := map[string]string{}
	return out, flatten(text, "", out)
}

// flatten puts the fields of an object under their keys.
func flatten(text []byte, prefix string, out map[string]string) error {
	f, err := parseFields(text)
	if err != nil {
		return fmt.Errorf("write down the options: %w", err)
	}
	for _, name := range f.names {
		value, path := f.values[name], prefix+name
		if kindOf(value) == objectKind {
			if err := flatten(value, path+".", out); err != nil {
				return err
			}
			continue
		}
		switch path {
		case "Schedule.Steps", "LoRA.Seed", "Recompute", "Epochs", "Resume", "CheckpointEvery": // what others say, and what changes no result
			continue
		}
		switch string(value) {
		case "null", `""`, "[]":
			continue
		}
		out[keyOf(path)] = strings.Trim(string(value), `"`)
	}
	return nil
}

// keyOf is the key of an option by the path of its field in Options, "LoRA.Rank".
func keyOf(path string) string {
	if key := keyNames[path]; key != "" {
		return key
	}
	return kebab(path[strings.LastIndexByte(path, '.')+1:])
}

// fieldNames are the names that errors have for the options of an identity, by their keys.
var fieldNames = sync.OnceValue(func() map[string]string {
	names := map[string]string{"precision": "Options.Precision", "min-pixels": "Options.MinPixels", "max-pixels": "Options.MaxPixels"}
	add := func(t reflect.Type, path string) {
		for i := range t.NumField() {
			if f := t.Field(i); f.Type.Kind() != reflect.Struct {
				names[keyOf(path+f.Name)] = "train." + t.Name() + "." + f.Name
			}
		}
	}
	add(reflect.TypeFor[LoRAOptions](), "LoRA.")
	add(reflect.TypeFor[Schedule](), "Schedule.")
	add(reflect.TypeFor[Options](), "") // last: Seed, Freeze and Steps of Options are those that are meant
	return names
})

// fieldOf is the name that errors have for the option of a key.
func fieldOf(key string) string {
	if field := fieldNames()[strings.TrimPrefix(key, keyPrefix)]; field != "" {
		return field
	}
	return key
}

// kebab is a field's name in small letters with hyphens: HeadLR is head-lr.
func kebab(name string) string {
	var out strings.Builder
	for i, c := range name {
		upper := c >= 'A' && c <= 'Z'
		if upper && i > 0 && !(name[i-1] >= 'A' && name[i-1] <= 'Z') {
			out.WriteByte('-')
		}
		out.WriteRune(c)
	}
	return strings.ToLower(out.String())
}

// identity is that of the run.
func (r *run) identity() (identity, error) {
	o := r.o
	o.Steps = r.order.steps
	keys, err := o.keys()
	if err != nil {
		return nil, err
	}
	id := identity{identitySteps: "each epoch by itself", keyPrefix + "precision": r.m.Settings().Precision, keyPrefix + "min-pixels": fmt.Sprint(r.m.Processor.MinPixels), keyPrefix + "max-pixels": fmt.Sprint(r.m.Processor.MaxPixels)}
	if arch := r.m.Arch(); arch != "" {
		id[keyPrefix+"precision"] += " on " + arch
	}
	for name, value := range keys {
		id[keyPrefix+name] = value
	}
	h := sha256.New()
	for _, records := range [][]Record{r.train, r.eval} {
		for _, rec := range records {
			rec.Where, rec.Image = "", filepath.Base(rec.Image)
			rec.Others = slices.Clone(rec.Others)
			for i, path := range rec.Others {
				rec.Others[i] = filepath.Base(path)
			}
			if err := json.NewEncoder(h).Encode(rec); err != nil {
				return nil, fmt.Errorf("digest of the data: %w", err)
			}
		}
	}
	for _, n := range r.pictures.Of {
		h.Write(r.pictures.digests[n].bytes())
	}
	id[identityData] = hex.EncodeToString(h.Sum(nil))
	h.Reset()
	for _, t := range r.m.Stored().Checkpoint().Tensors() { // the beginning of each tells models apart; all of it would take long to read
		fmt.Fprintln(h, t.Name, t.DType, t.Shape)
		h.Write(t.Data[:min(len(t.Data), 4096)])
	}
	id[identityModel] = hex.EncodeToString(h.Sum(nil))
	h.Reset()
	for _, p := range r.params {
		values, err := kernels.Floats(p.Value.Slice(0, min(p.Value.Len(), 256)))
		if err != nil {
			return nil, err
		}
		fmt.Fprintln(h, p.Name, p.Shape, values)
	}
	id[identityValues] = hex.EncodeToString(h.Sum(nil))
	return id, nil
}

// differences says what differs from the other identity; "": nothing.
func (id identity) differences(was identity) string {
	if maps.Equal(id, was) {
		return ""
	}
	var options, others []string
	for _, name := range slices.Sorted(maps.Keys(union(id, was))) {
		now, then := id[name], was[name]
		switch {
		case now == then:
		case !strings.HasPrefix(name, keyPrefix):
			others = append(others, name)
		case then == "":
			options = append(options, fmt.Sprintf("%s is %s and was not given", fieldOf(name), now))
		case now == "":
			options = append(options, fmt.Sprintf("%s was %s and is not given", fieldOf(name), then))
		default:
			options = append(options, fmt.Sprintf("%s is %s and was %s", fieldOf(name), now, then))
		}
	}
	if len(options) > 0 {
		return strings.Join(options, ", ") // other data and values may well follow from these
	}
	return strings.ReplaceAll(strings.Join(others, ", "), identityValues, "what learns, before the first step (Options.Adapter, Options.Head)") + ": not as it was"
}

func union(a, b identity) identity {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}

// goOn says how to continue from the result of a run.
func (r *run) goOn() string {
	if r.o.Full {
		return fmt.Sprintf("to learn on from what it came to, begin a run with loupe.Load %s and another train.Options.Out", r.o.Out)
	}
	return fmt.Sprintf("to learn on from what it came to, begin a run with Options.Adapter %s and another train.Options.Out", r.o.Out)
}

// other is the error of a checkpoint in dir that belongs to another run.
func (r *run) other(dir string, s state) error {
	if len(s.Of) == 0 {
		return fmt.Errorf("%s: it belongs to a run with other data, model or options; give the same ones, or another train.Options.Out", dir)
	}
	what := r.of.differences(s.Of)
	const steps = keyPrefix + "steps"
	if now, was := r.of[steps], s.Of[steps]; now != was && strings.HasPrefix(what, fieldOf(steps)) && !strings.Contains(what, ", ") {
		return fmt.Errorf("%s: the run was one of %s steps and is now to have %s (by train.Options.Steps or train.Options.Epochs): its learning rates fall towards its last step, so that the steps taken are not those of the longer run; %s", dir, was, now, r.goOn())
	}
	return fmt.Errorf("%s: it belongs to another run: %s; give what it was begun with, or another train.Options.Out", dir, what)
}

// digest is a digest of the whole identity.
func (id identity) digest() string {
	var text bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(id)) {
		fmt.Fprintf(&text, "%q %q\n", name, id[name])
	}
	sum := sha256.Sum256(text.Bytes())
	return hex.EncodeToString(sum[:])
}
