package loupe

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/runtime/internal/device"
	"github.com/loupe-vl/loupe/weights"
	"github.com/loupe-vl/loupe/weights/option"
)

// Precisions are the arithmetics of the linear maps, as Options.Precision names them. exact is float32 with the weights as
// stored. bf16 rounds both operands of products to bfloat16. int8 and int4 quantize weights to so many bits, and activations to
// 8. Attention, norms, activation functions and the embedding of patches are exact in all of them.
var Precisions = []string{"exact", "bf16", "int8", "int4"}

// GPUPrecisions are further ones that a GPU alone has. bf16-mma multiplies bfloat16 by tensor cores: the same bits in every run, batch and
// chunk on GPUs of one architecture, and others on another.
var GPUPrecisions = []string{"bf16-mma"}

// AllPrecisions are both.
func AllPrecisions() []string { return slices.Concat(Precisions, GPUPrecisions) }

// group8 and group4 are how many weights of 8 and of 4 bits share a scale, but for a quantized file that says otherwise. Of 8 bits
// 128 cost little accuracy and leave products a quarter of the scaling, since activations have as long spans then; 4 bits have none
// to spare.
const group8, group4 = 128, 32

// DefaultGroup is how many weights of a row share a scale in a precision, int8 or int4, that is made at load.
func DefaultGroup(precision string) int {
	if precision == "int4" {
		return group4
	}
	return group8
}

// Validate refuses what cannot be meant, by an [OptionError].
func (o Options) Validate() error {
	switch {
	case o.Precision != "" && !slices.Contains(AllPrecisions(), o.Precision):
		return &option.Error{Field: "Options.Precision", Value: o.Precision, Want: "use " + strings.Join(AllPrecisions(), ", ")}
	case o.Threads < 0:
		return &option.Error{Field: "Options.Threads", Value: o.Threads, Want: "give a number above 0, or 0 for all cores"}
	}
	c, err := device.Parse(o.Device)
	if n := o.DeviceLayers; err == nil && n != nil && (c.Kind == device.CPU || *n < 0) {
		e := &option.Error{Field: "Options.DeviceLayers", Value: *n, Want: "give a number from 0 on"}
		if c.Kind == device.CPU {
			e.Fault, e.Want = "Options.DeviceLayers is for a GPU", "give Options.Device cuda too, or leave it away"
		}
		return e
	}
	if err == nil && c.Kind == device.CPU && slices.Contains(GPUPrecisions, o.Precision) {
		return needsGPU(o.Precision, c.Kind)
	}
	return err
}

// arithmeticOf is that of most linear maps of a precision.
func arithmeticOf(precision string) kernels.Arithmetic {
	switch precision {
	case "bf16":
		return kernels.ArithmeticBF16
	case "bf16-mma":
		return kernels.ArithmeticBF16MMA
	case "int8", "int4":
		return kernels.ArithmeticInt8
	}
	return kernels.ArithmeticExact
}

// checkPrecision is an error where the device, or one beside it, cannot compute the precision, or has other bits of it than the first.
func (m *Model) checkPrecision() error {
	p, first := m.options.Precision, m.opened.Info
	a := arithmeticOf(p)
	for _, dev := range m.opened.All() {
		if !dev.HasArithmetic(a) {
			return needsGPU(p, first.Kind)
		}
	}
	for _, other := range m.opened.Further {
		if !a.Portable() && other.Info.Arch != first.Arch {
			return &option.Error{
				Field: "Options.Device", Value: m.options.Device, Fault: fmt.Sprintf("%s is %s and %s is %s, and Options.Precision %s has other bits on each", first.Name, first.Arch, other.Info.Name, other.Info.Arch, p),
				Want: "give GPUs of one architecture, or another precision",
			}
		}
	}
	return nil
}

// checkLayers is an error where layers lie on a device that cannot compute the precision: the host.
func (m *Model) checkLayers() error {
	for i, at := range m.devices.Layers {
		if p := m.options.Precision; !m.devices.Devices[at].HasArithmetic(arithmeticOf(p)) {
			n := len(m.devices.Layers)
			return &option.Error{
				Field: "Options.DeviceLayers", Value: i, Fault: fmt.Sprintf("the last %d of %d layers would lie on the CPU, which does not compute Options.Precision %s", n-i, n, p),
				Want: "leave Options.DeviceLayers away, or use another precision: int8 takes half the memory",
			}
		}
	}
	return nil
}

// needsGPU refuses a precision on a device of that kind.
func needsGPU(precision, kind string) error {
	return &option.Error{
		Field: "Options.Precision", Value: precision, Fault: fmt.Sprintf("Options.Precision %s multiplies by the tensor cores of a GPU, and the model is computed on %s", precision, kind),
		Want: "compute on a GPU by Options.Device cuda, or use bf16, which has the same bits on every machine",
	}
}

// Arch is the architecture that the bits of the model's precision are of, "sm_90"; "" where they are the same on every machine.
func (m *Model) Arch() string {
	if arithmeticOf(m.options.Precision).Portable() {
		return ""
	}
	i := m.DeviceInfo()
	if i.Library != "" {
		return i.Arch + " by " + i.Library // which need not compute as a GPU does
	}
	return i.Arch
}

// quantizing is how the weights of a linear map are quantized; no bits where they are not. What 4 bits are too few for has 8: the
// logits, and the vision tower, on which every later token depends.
func (o QuantizeOptions) quantizing(name string) kernels.Quantizing {
	switch {
	case name == "visual.patch_embed.proj": // reads pixels, is a few parts in a thousand of the work, and feeds all the rest
		return kernels.Quantizing{}
	case o.Precision == "int4" && !strings.HasPrefix(name, "model.layers."):
		return kernels.Quantizing{Bits: 8, Group: group8}
	}
	return o.named()
}

// named is how the weights are quantized that the precision is named after; no bits where there are none.
func (o QuantizeOptions) named() kernels.Quantizing {
	bits := map[string]int{"int8": 8, "int4": 4}[o.Precision]
	return kernels.Quantizing{Bits: bits, Group: o.Group, ZeroPoints: o.ZeroPoints}
}

// converter gives the weights of linear maps the form of a precision; nil where they stay as they are stored. Weights that bf16
// finds in another type are rounded to it here, once.
func converter(e *kernels.Engine, precision string) weights.Converter {
	switch precision {
	case "bf16", "bf16-mma":
		round := e.BF16Products
		if precision == "bf16-mma" {
			round = e.BF16MMA
		}
		return func(name string, w kernels.Matrix) (out kernels.Matrix, copied bool, err error) {
			if name == "visual.patch_embed.proj" {
				return w, false, nil
			}
			out, copied = round(w)
			return out, copied, nil
		}
	case "int8", "int4":
		return func(name string, w kernels.Matrix) (out kernels.Matrix, copied bool, err error) {
			how := QuantizeOptions{Precision: precision, Group: DefaultGroup(precision)}.quantizing(name)
			if how.Bits == 0 {
				return w, false, nil
			}
			p, err := e.Quantize(w, how)
			if err != nil {
				return w, false, err
			}
			return p.Matrix(), true, nil
		}
	}
	return nil
}

// Settings are the options that the model was loaded with; what they left open is filled in.
func (m *Model) Settings() Options {
	o := m.options
	o.Threads, o.Kernels = m.engine.Threads(), m.engine.Path()
	if o.Precision == "" {
		o.Precision = "exact"
	}
	o.Device = cmp.Or(o.Device, device.CPU)
	return o
}
