package loupe

import (
	"cmp"
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
	case o.Precision != "" && !slices.Contains(Precisions, o.Precision):
		return &option.Error{Field: "Options.Precision", Value: o.Precision, Want: "use " + strings.Join(Precisions, ", ")}
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
	return err
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
	case "bf16":
		return func(name string, w kernels.Matrix) (out kernels.Matrix, copied bool, err error) {
			if name == "visual.patch_embed.proj" {
				return w, false, nil
			}
			out, copied = e.BF16Products(w)
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
