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
	// Dataset, for Set without a Value, names pictures, and Means holds one row for each tap that the intervention matches, by
	// the tap's name: see [FillMeans], which makes Means of Dataset.
	Dataset string
	Means   map[string][]float32
}

// AllHeads is the Head of an intervention that is not narrowed to one.
const AllHeads = -1

func (iv Intervention) validate() error {
	switch {
	case iv.Dataset == "" && iv.Means == nil:
	case iv.Op != tensor.Set || iv.Value != nil:
		return fmt.Errorf("intervention at %s: a mean over pictures goes with op set, and with no value", iv.Tap)
	case iv.Means == nil:
		return fmt.Errorf("intervention at %s: the mean over %s is not computed yet: FillMeans computes it", iv.Tap, iv.Dataset)
	}
	switch iv.Op {
	case tensor.Add, tensor.Set:
		if len(iv.Value) == 0 && iv.Means == nil {
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

// edit is the change at a point.
func (iv Intervention) edit(at tensor.Point) tensor.Edit {
	e := tensor.Edit{Op: iv.Op, Head: iv.Head, Rows: iv.Rows, Value: iv.Value, Width: iv.Width, Scale: iv.Scale}
	if iv.Means != nil {
		e.Value = iv.Means[at.String()]
		e.Width = len(e.Value)
	}
	return e
}
