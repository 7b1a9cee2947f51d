package loupe

import (
	"fmt"

	"github.com/chewxy/math32"

	"github.com/loupe-vl/loupe/kernels/tensor"
)

// Intervention is one change to make at a tap point while the model runs: the op, narrowed to a head or to rows, of what
// passes there. It is made in the prompt and in every generated token, where Rows does not say otherwise; a Value that has a
// row for each of the prompt leaves generated ones as they are. At attention's scores and probabilities, rows are queries and
// a Value is (keys), (queries, keys) or (heads, queries, keys).
type Intervention struct {
	Tap   string        // a tap's name, or a pattern in which * matches any characters; "steps.2/NAME" is a step of generation alone
	Op    tensor.EditOp // tensor.Zero, Scale, Add, Set or Mean
	Head  int           // AllHeads, or the head to change
	Rows  []int         // rows to change, negative from the end of the prompt; nil: all
	Value []float32     // for Add and Set: one row, one for each of Rows, or one for each row of the prompt
	Width int           // columns of Value's rows, of which those of Head count; 0: as many as are changed
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
		if iv.Width < 0 || iv.Width > 0 && len(iv.Value)%iv.Width != 0 {
			return fmt.Errorf("intervention at %s: a value of %d numbers has no rows of %d", iv.Tap, len(iv.Value), iv.Width)
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
	return tensor.Edit{Op: iv.Op, Head: iv.Head, Rows: iv.Rows, Value: iv.Value, Width: iv.Width, Scale: iv.Scale}
}
