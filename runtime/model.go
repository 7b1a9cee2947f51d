package loupe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/loupe-vl/loupe/decoder"
	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/tensor"
	"github.com/loupe-vl/loupe/runtime/demo"
	"github.com/loupe-vl/loupe/runtime/internal/device"
	"github.com/loupe-vl/loupe/runtime/internal/family"
	"github.com/loupe-vl/loupe/tokenizer"
	"github.com/loupe-vl/loupe/vit"
	"github.com/loupe-vl/loupe/vit/picture"
	"github.com/loupe-vl/loupe/weights"
	"github.com/loupe-vl/loupe/weights/disk"
	"github.com/loupe-vl/loupe/weights/hub"
	"github.com/loupe-vl/loupe/weights/option"
)

// Options are how a model is loaded. The zero value is exact arithmetic on all cores with the checkpoint's own limits.
type Options struct {
	Threads   int    // 0: all cores
	Kernels   string // "" or "auto", "avx512", "avx2", "neon", "generic"
	Precision string // one of Precisions or GPUPrecisions; "": exact, or what the model was quantized to
	// Device is what the model computes on: "" or "cpu", the host; "cuda" or "cuda:N", an NVIDIA GPU, for which the program is built with
	// the tag cuda; "cuda:0,cuda:1", several, which have consecutive layers. It changes speed, never a bit, unless the
	// precision is one of GPUPrecisions.
	Device    string
	Adapter   string // directory of a PEFT adapter; "": none
	Head      string // directory of score_head.json and score_head.safetensors; "": beside the model, if it is there
	MinPixels int    // of a resized picture or frame; 0: as the head or adapter was taught, else as the model's processors say
	MaxPixels int
	// DeviceLayers is how many layers of the decoder lie on Device, the first ones; the rest stays on the host. nil: as many as fit. It changes memory and speed, never a bit.
	DeviceLayers *int
	// PrefillChunk is how many tokens of a prompt run at once; 0: a default. It changes memory and speed, never a bit.
	PrefillChunk int
}

// Model is a loaded checkpoint. It is read-only and safe for concurrent use until Close.
type Model struct {
	Dir            string // "" for the embedded checkpoint
	Config         *weights.Config
	Generation     *weights.Generation
	Tokenizer      *tokenizer.Tokenizer
	Template       *tokenizer.ChatTemplate
	Processor      picture.Processor // of pictures
	VideoProcessor picture.Processor
	Tower          *vit.Tower
	Decoder        *decoder.Model
	Head           *vit.Head              // nil where the checkpoint has none
	Adapter        *weights.AdapterConfig // nil without an adapter
	// Taught is how pictures were shown and what was asked while the head, the adapter or the model was taught; nil where that
	// is not known. Its size of pictures is that of Processor, unless the options say another.
	Taught *weights.InputSettings
	// Notes are sentences that a user should read, about what Load found.
	Notes []string
	// OnHostWork is called the first time that the host does a kind of work though the model computes on another device: see HostWork. It
	// may be nil, and is set before the model is used.
	OnHostWork func(doing string)

	family        *family.Family // of which the model is one
	samplesFrames string         // the file that asks for frames to be chosen, which is refused when a video is shown; "" for none
	options       Options
	taughtFrom    string // the file of Taught
	files         fs.FS
	engine        *kernels.Engine
	device        kernels.Device     // what the model computes on; where there are several, the first
	opened        *device.Opened     // that device, where the model opened it
	devices       *weights.DeviceMap // which module lies on which
	demonstration bool               // it is the embedded model, or was made of it
	checkpoint    *weights.Checkpoint
	headFile      *weights.Checkpoint
	adapterFile   *weights.Checkpoint
	replaced      map[string]weights.Tensor // by canonical name: the adapter's, in place of the checkpoint's
	loans         loans                     // the memory of finished steps
	hostWork      hostWork
}

// defaultChunk bounds the memory of a long prompt: its activations exist for this many tokens at a time.
const defaultChunk = 512

// Load opens the model in dir, a directory as Hugging Face ships it, or the name of one in huggingface_hub's cache, OWNER/NAME[@REVISION];
// so may the options' directories be. Nothing is silent: a missing, extra or misshapen tensor, or a configuration that this program does
// not compute, is an error. It asks no network.
func Load(dir string, o Options) (*Model, error) {
	for _, name := range []*string{&dir, &o.Adapter, &o.Head} {
		found, err := hub.Resolve(*name)
		if err != nil {
			return nil, fmt.Errorf("load model: %w", err)
		}
		*name = found
	}
	if info, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("load model: %w; give loupe.Load a directory as Hugging Face ships it", err)
	} else if !info.IsDir() {
		return nil, fmt.Errorf("load model: %s is a file; give loupe.Load the directory that holds config.json", dir)
	}
	checkpoint := func() (*weights.Checkpoint, error) { return weights.OpenCheckpoint(dir) }
	return load(disk.FS(dir), dir, checkpoint, o)
}

// Embedded opens the demonstration checkpoint that is part of the program.
func Embedded(o Options) (*Model, error) {
	checkpoint := func() (*weights.Checkpoint, error) { return weights.OpenCheckpointFS(demo.FS(), ".") }
	return load(demo.FS(), "", checkpoint, o)
}

func load(files fs.FS, dir string, open func() (*weights.Checkpoint, error), o Options) (m *Model, err error) {
	m = &Model{Dir: dir, files: files, options: o, loans: loans{pool: sync.Pool{New: newLoan}}}
	defer func() {
		if err != nil {
			m.Close()
			m, err = nil, fmt.Errorf("load model %s: %w", m.Name(), err)
		}
	}()
	defer weights.CatchFaults(&err)()
	if err = o.Validate(); err != nil {
		return m, err
	}
	if err = m.start(o); err != nil {
		return m, err
	}
	if err = m.readFiles(files, o); err != nil {
		return m, err
	}
	if err = m.readInputSettings(files, o); err != nil {
		return m, err
	}
	if m.checkpoint, err = open(); err != nil {
		return m, err
	}
	if err = adapterBeside(files, m.Dir, o); err != nil {
		return m, err
	}
	m.Notes = append(m.Notes, m.checkpoint.Notes...)
	if err = m.takePrecision(); err != nil {
		return m, err
	}
	m.checkpoint.Quantization = m.Config.Quantization
	if err = m.mapDevices(); err != nil {
		return m, err
	}
	p := weights.NewParamsOn(m.checkpoint, m.devices)
	if p.Convert(converter(m.engine, o.Precision)); m.checkpoint.Precision() != "" {
		p.Convert(mustBeQuantized(m.checkpoint.Precision()))
	}
	m.Tower, m.Decoder = m.family.Load(p, m.Config)
	if err = p.Err(); err != nil {
		return m, err
	}
	if err = m.checkpoint.RequireAllUsed(); err != nil {
		return m, err
	}
	if o.Adapter != "" {
		if err = m.loadAdapter(o.Adapter); err != nil {
			return m, err
		}
	}
	return m, m.loadHead(files, o.headDir())
}

// readFiles reads everything but the weights.
func (m *Model) readFiles(files fs.FS, o Options) (err error) {
	if m.Config, err = readFile(files, m.Dir, "config.json", weights.ParseConfig); err != nil {
		return err
	}
	if m.family, err = family.Of(m.Config); err != nil {
		return err
	}
	if m.Generation, err = readFile(files, m.Dir, "generation_config.json", weights.ParseGeneration); errors.Is(err, fs.ErrNotExist) {
		// The file is optional. Without it, and only then, the end tokens and the penalty are config.json's, as in transformers.
		m.Generation, err = readFile(files, m.Dir, "config.json", weights.GenerationOfConfig)
	}
	if err != nil {
		return err
	}
	m.Notes = append(m.Notes, m.Config.Notes...)
	if err = m.readDemonstration(files); err != nil {
		return err
	}
	if err = m.readProcessors(files, o); err != nil {
		return err
	}
	if m.Tokenizer, err = tokenizer.LoadFS(files); err != nil {
		return err
	}
	if err = m.checkTokens(); err != nil {
		return err
	}
	if m.Template, err = tokenizer.LoadChatTemplateFS(files); err != nil {
		return err
	}
	m.Notes = append(m.Notes, m.Template.Notes...)
	return nil
}

// checkTokens makes sure that the tokens which templates put for pictures and videos are those of the configuration: else a
// picture would be text, or refused by a model that it fits.
func (m *Model) checkTokens() error {
	c := m.Config
	for _, x := range []struct {
		key, name, token string
		id               int
		needed           bool
	}{
		{"image_token_id", "image_token", "<|image_pad|>", c.ImageTokenID, true},
		{"video_token_id", "video_token", "<|video_pad|>", c.VideoTokenID, true},
		{"vision_start_token_id", "vision_bos_token", "<|vision_start|>", c.VisionStartTokenID, false},
		{"vision_end_token_id", "vision_eos_token", "<|vision_end|>", c.VisionEndTokenID, false},
	} {
		token := m.Tokenizer.Named(x.name, x.token)
		id, ok := m.Tokenizer.ID(token)
		switch {
		case !ok && x.needed:
			return fmt.Errorf("config.json: %s is %d, but the tokenizer has no token %s; the tokenizer's files belong to another model", x.key, x.id, token)
		case ok && id != x.id:
			return fmt.Errorf("config.json: %s is %d, but the tokenizer gives %s the id %d; the tokenizer's files or the configuration belong to another model", x.key, x.id, token, id)
		}
	}
	return nil
}

// readProcessors reads how pictures and videos become patches.
func (m *Model) readProcessors(files fs.FS, o Options) error {
	p, err := m.family.Files.ReadProcessors(files, m.Dir)
	if err != nil {
		return err
	}
	m.Notes = append(m.Notes, p.Notes...)
	for _, k := range []struct {
		from  *weights.Preprocessor
		to    *picture.Processor
		video bool
	}{{p.Image, &m.Processor, false}, {p.Video, &m.VideoProcessor, true}} {
		if err = k.from.Check(m.Config.Vision); err != nil {
			return err
		}
		if *k.to, err = newProcessor(k.from, o, k.video); err != nil {
			return err
		}
	}
	if p.Video.SampleFrames {
		m.samplesFrames = p.Video.File
	}
	return nil
}

// readFile reads one JSON file of the model and parses it under its full name.
func readFile[T any](files fs.FS, dir, name string, parse func(file string, data []byte) (*T, error)) (*T, error) {
	data, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, fmt.Errorf("%w; a model directory as Hugging Face ships it holds this file", err)
	}
	return parse(filepath.Join(dir, name), data)
}

// newProcessor cuts pictures, or the frames of videos, as pre says, within the options' bounds.
func newProcessor(pre *weights.Preprocessor, o Options, video bool) (picture.Processor, error) {
	p := picture.Processor{
		MinPixels: pre.MinPixels, MaxPixels: pre.MaxPixels,
		PatchSize: pre.PatchSize, TemporalPatchSize: pre.TemporalPatchSize, MergeSize: pre.MergeSize,
		Mean: pre.ImageMean, Std: pre.ImageStd,
	}
	if pre.CapPixels {
		p.MaxVideoTokens = pre.MaxVideoTokens
	}
	if o.MinPixels > 0 {
		p.MinPixels = o.MinPixels
	}
	if o.MaxPixels > 0 {
		p.MaxPixels = o.MaxPixels
	}
	// One bound alone concerns videos too, whose other one may be past it: then the most is heeded first, as in the reference.
	asked := o.MinPixels > 0 || o.MaxPixels > 0
	if p.MinPixels > p.MaxPixels && asked && (!video || o.MinPixels > 0 && o.MaxPixels > 0) {
		return p, &option.Error{Field: "Options.MinPixels", Value: p.MinPixels, Fault: fmt.Sprintf("Options.MinPixels %d is more than Options.MaxPixels %d", p.MinPixels, p.MaxPixels), Want: "lower the one or raise the other"}
	}
	return p, nil
}

// loadHead reads the score head from dir, or from beside the model where dir is "".
func (m *Model) loadHead(files fs.FS, dir string) (err error) {
	where := dir
	if dir != "" {
		files = disk.FS(dir)
	} else {
		where = m.Dir
		if _, err := fs.Stat(files, weights.ScoreHeadConfigName); errors.Is(err, fs.ErrNotExist) {
			return nil // this checkpoint has no head
		}
	}
	cfg, err := readFile(files, where, weights.ScoreHeadConfigName, weights.ParseScoreHead)
	if err != nil {
		return fmt.Errorf("score head: %w", err)
	}
	width, err := cfg.Input.Width(m.Config)
	if err != nil {
		return fmt.Errorf("score head %s: %w", filepath.Join(where, weights.ScoreHeadConfigName), err)
	}
	if m.Dir == "" && dir == "" {
		m.headFile, err = weights.OpenCheckpointFileFS(files, weights.ScoreHeadWeightsName)
	} else {
		m.headFile, err = weights.OpenCheckpointFile(filepath.Join(where, weights.ScoreHeadWeightsName))
	}
	if err != nil {
		return fmt.Errorf("score head: %w", err)
	}
	p := weights.NewParamsOn(m.headFile, m.devices)
	m.Head = vit.LoadHead(p, *cfg, width)
	if p.Err() != nil {
		return fmt.Errorf("score head: %w", p.Err())
	}
	return m.headFile.RequireAllUsed()
}

// newHead gives the model a score head of that description whose weights are all 0, in place of the one it has.
func (m *Model) newHead(cfg weights.ScoreHeadConfig) error {
	width, err := cfg.Input.Width(m.Config)
	if err != nil {
		return fmt.Errorf("score head: %w", err)
	}
	p := weights.NewParamsOn(nil, m.devices)
	m.Head = vit.NewHead(p, cfg, width)
	return p.Err()
}

// Name is the directory, or "embedded".
func (m *Model) Name() string {
	if m.Dir == "" {
		return "embedded"
	}
	return m.Dir
}

// start makes what the model computes with.
func (m *Model) start(o Options) (err error) {
	if m.engine, err = kernels.New(kernels.Options{Threads: o.Threads, Kernels: o.Kernels}); err != nil {
		return &option.Error{Field: "Options.Kernels", Value: o.Kernels, Fault: err.Error()} // the threads are checked by Validate
	}
	choice, err := device.Parse(o.Device)
	if err != nil {
		return err
	}
	if m.opened, err = device.Open(choice, m.engine); err != nil {
		return &device.Error{Err: err}
	}
	m.device = m.opened.Device
	if err = m.checkPrecision(); err != nil {
		return err
	}
	m.Notes = append(m.Notes, m.opened.Notes...)
	return nil
}

// Device is what the model computes on; where it lies on several devices, the first.
func (m *Model) Device() kernels.Device { return m.device }

// NewRun begins a run of a part of the model by hand, with memory of its own. hooks may be nil.
func (m *Model) NewRun(ctx context.Context, hooks tensor.Hooks) *tensor.Run {
	r := tensor.NewRun(ctx, m.device, new(tensor.Arena), hooks)
	r.Spread(m.devices.Devices)
	return r
}

// NewRunAt is NewRun on the device with the module of that name, for what is computed with its weights.
func (m *Model) NewRunAt(ctx context.Context, module string, hooks tensor.Hooks) *tensor.Run {
	r := m.NewRun(ctx, hooks)
	r.At(m.devices.Index(module))
	return r
}

// unchanged is an error if a file of weights is no longer the one that was loaded. It is asked before and after what is
// computed of them.
func (m *Model) unchanged() error {
	for _, c := range m.weightFiles() {
		if err := c.Unchanged(); err != nil {
			return fmt.Errorf("model %s: %w", m.Name(), err)
		}
	}
	return nil
}

// still is err, or else an error if the weights are no longer those that were loaded: what was computed then means nothing.
func (m *Model) still(err error) error {
	if err == nil {
		err = m.unchanged()
	}
	return err
}

// weightFiles are the files of weights that the model has open.
func (m *Model) weightFiles() []*weights.Checkpoint {
	return slices.DeleteFunc([]*weights.Checkpoint{m.checkpoint, m.headFile, m.adapterFile}, func(c *weights.Checkpoint) bool { return c == nil })
}

// Close gives the device, the maps and the workers back. No request may be running.
func (m *Model) Close() error {
	var err error
	if m.opened != nil {
		err = m.opened.Close()
	}
	for _, c := range m.weightFiles() {
		err = cmp.Or(err, c.Close())
	}
	if m.engine != nil {
		m.engine.Close()
	}
	return err
}
