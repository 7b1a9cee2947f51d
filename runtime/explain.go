package loupe

import (
	"errors"
	"fmt"

	"github.com/loupe-vl/loupe/kernels/tensor"
	"github.com/loupe-vl/loupe/weights"
)

// explain looks for the cause of a non-finite activation: the weights are not read through at load, which would cost a
// pass over the whole file, but once something went wrong they are.
func (m *Model) explain(err error) error {
	if err == nil {
		return nil // before bad is allocated: every step of decoding asks
	}
	var bad *tensor.NonFiniteError
	if !errors.As(err, &bad) {
		return err
	}
	if cause := m.unchanged(); cause != nil {
		return cause
	}
	for _, c := range []*weights.Checkpoint{m.checkpoint, m.headFile} {
		if c == nil {
			continue
		}
		for _, t := range c.Tensors() {
			if cause := weights.CheckFinite(t); cause != nil {
				return fmt.Errorf("%w (found when %s became %v)", cause, bad.Point, bad.Value)
			}
		}
	}
	return err
}
