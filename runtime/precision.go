package loupe

import (
	"fmt"
	"slices"
	"strings"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/weights"
)

// Precisions are the arithmetics of the linear maps, as Options.Precision names them. exact is float32 with the weights as
// stored. bf16 rounds both operands of products to bfloat16. int8 and int4 quantise weights to so many bits, and activations to
// 8. Attention, norms, activation functions and the embedding of patches are exact in all of them.
var Precisions = []string{"exact", "bf16", "int8", "int4"}

// defaultGroup is how many weights of a row share a scale where weights are quantised at load.
const defaultGroup = 32

// Validate refuses what cannot be meant, naming the flag.
func (o Options) Validate() error {
	if o.Precision == "" || slices.Contains(Precisions, o.Precision) {
		return nil
	}
	return fmt.Errorf("--precision %q is unknown; use %s", o.Precision, strings.Join(Precisions, ", "))
}

// quantising is how the weights of a linear map are quantised in a precision; no bits where they are not. What 4 bits are too
// few for has 8: the logits, and the vision tower, on which every later token depends.
func quantising(precision, name string, group int, zeroPoints bool) kernels.Quantising {
	switch {
	case name == "visual.patch_embed.proj": // reads pixels, is a few parts in a thousand of the work, and feeds all the rest
		return kernels.Quantising{}
	case precision == "int4" && strings.HasPrefix(name, "model.layers."):
		return kernels.Quantising{Bits: 4, Group: group, ZeroPoints: zeroPoints}
	case precision == "int4" || precision == "int8":
		return kernels.Quantising{Bits: 8, Group: defaultGroup}
	}
	return kernels.Quantising{}
}

// converter gives the weights of linear maps the form of a precision; nil where they stay as they are stored. Weights that bf16
// finds in another type are rounded to it here, once.
func converter(e *kernels.Engine, precision string) weights.Converter {
	switch precision {
	case "bf16":
		return func(name string, w kernels.Matrix) (kernels.Matrix, error) {
			if name != "visual.patch_embed.proj" {
				w = e.BF16(w)
				w.Rounded = true
			}
			return w, nil
		}
	case "int8", "int4":
		return func(name string, w kernels.Matrix) (kernels.Matrix, error) {
			how := quantising(precision, name, defaultGroup, false)
			if how.Bits == 0 {
				return w, nil
			}
			p, err := e.Quantise(w, how)
			if err != nil {
				return w, err
			}
			return p.Matrix(), nil
		}
	}
	return nil
}
