package loupe

import (
	"errors"
	"fmt"
	"sync"

	"github.com/loupe-vl/loupe/decoder"
	"github.com/loupe-vl/loupe/kernels/meta"
	"github.com/loupe-vl/loupe/runtime/internal/family"
	"github.com/loupe-vl/loupe/runtime/internal/host"
	"github.com/loupe-vl/loupe/vit"
	"github.com/loupe-vl/loupe/weights"
	"github.com/loupe-vl/loupe/weights/option"
)

// spare is the memory that a model needs beside its weights, about: activations, the cache, the program.
const spare = 1 << 30

// errNoTokenizer is what a model with random weights answers to text.
var errNoTokenizer = errors.New("a random model has no tokenizer, so it reads and writes no text; load one with loupe.Load")

// Synthetic makes a model of a published shape, "2b" or "7b", with random weights in bfloat16: for measuring, before
// anything is downloaded. "demo" is the embedded model. The numbers are the same each time. It has no tokenizer: a prompt
// is made of ids. A shape that does not fit the memory that is free is refused.
func Synthetic(shape string, o Options) (m *Model, err error) {
	if shape == "demo" {
		return Embedded(o)
	}
	cfg, known := shapes[shape]
	if !known {
		return nil, fmt.Errorf("shape %q is unknown; there are 2b, 7b and demo", shape)
	}
	return synthetic(shape, &cfg, o)
}

func synthetic(shape string, cfg *weights.Config, o Options) (m *Model, err error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if o.Head != "" {
		return nil, &option.Error{Field: "Options.Head", Value: o.Head, Fault: "a random model has no score head", Want: "leave Options.Head away"}
	}
	of, err := family.Of(cfg)
	if err != nil {
		return nil, err
	}
	m = &Model{Dir: "random " + shape, Config: cfg, family: of, Generation: weights.PlainGeneration(cfg.EosTokenIDs), options: o,
		loans: loans{pool: sync.Pool{New: newLoan}}}
	if m.Processor, m.VideoProcessor, err = publishedProcessors(o); err != nil {
		return nil, err
	}
	if err = m.start(o); err != nil {
		m.Close()
		return nil, err
	}
	if m.device.OnHost() {
		if err = fits(shape, cfg, o.Precision, host.AvailableMemory()); err != nil {
			m.Close()
			return nil, err
		}
	}
	if err = m.mapDevices(); err != nil {
		m.Close()
		return nil, err
	}
	source := new(randomSource)
	if m.Tower, m.Decoder, err = assemble(source, m.devices, cfg, source.converter(m.engine, o.Precision)); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

// assemble builds both parts of a model on the devices of on from source.
func assemble(source weights.Source, on *weights.DeviceMap, cfg *weights.Config, c weights.Converter) (*vit.Tower, *decoder.Model, error) {
	p := weights.NewParamsOn(source, on)
	p.Convert(c)
	of, err := family.Of(cfg)
	if err != nil {
		return nil, nil, err
	}
	tower, decoder := of.Load(p, cfg)
	return tower, decoder, p.Err()
}

// fits is an error where free bytes of memory do not hold a shape's tensors in that precision and a run; 0 is as many as it takes.
func fits(shape string, cfg *weights.Config, precision string, free int64) error {
	var count randomSource
	if _, _, err := assemble(&count, weights.OneDevice(meta.Device{}), cfg, count.converter(nil, precision)); err != nil {
		return err
	}
	if free == 0 || count.bytes+spare <= free {
		return nil
	}
	const gib = 1 << 30
	return fmt.Errorf("random weights of shape %s take %.1f GiB and a run 1 GiB more, but %.1f GiB of memory are free; choose a smaller shape, or measure a model on disk with loupe.Load",
		shape, float64(count.bytes)/gib, float64(free)/gib)
}
