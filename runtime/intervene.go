package loupe

import (
	"fmt"

	"github.com/chewxy/math32"

	"github.com/loupe-vl/loupe/kernels/tensor"
)

// Intervention is one change to make at a tap point while the model runs: the op, narrowed to a head or to rows, of what
// passes there.
type Intervention struct {
	Tap   string        // a tap's name, or a pattern in which * matches any characters
	Op    tensor.EditOp // tensor.Zero, Scale, Add, Set or Mean
	Head  int           // AllHeads, or the head to change
	Rows  []int         // rows to change, negative from the end of the prompt; nil: all
	Value []float32     // for Add and Set
	Scale float32       // for Scale, and the factor of Value for Add
}

// AllHeads is the Head of an intervention that is not narrowed to one.
const AllHeads = -1

func (iv Intervention) validate() error {
	switch iv.Op {
	case tensor.Add, tensor.Set:
		if len(iv.Value) == 0 {
			return fmt.Errorf("intervention at %s: op %s needs a value", iv.Tap, iv.Op)
		}
	case tensor.Zero, tensor.Scale, tensor.Mean:
	default:
		return fmt.Errorf("intervention at %s: unknown op %d", iv.Tap, iv.Op)
	}
	if math32.IsNaN(iv.Scale) || math32.IsInf(iv.Scale, 0) {
		return fmt.Errorf("intervention at %s: scale %v is not finite", iv.Tap, iv.Scale)
	}
	return nil
}

func (iv Intervention) edit() tensor.Edit {
	return tensor.Edit{Op: iv.Op, Head: iv.Head, Rows: iv.Rows, Value: iv.Value, Scale: iv.Scale}
}
