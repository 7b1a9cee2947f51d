package trace_test

import (
	"context"
	"testing"

	"github.com/loupe-vl/loupe/runtime/trace"
)

// TestInspect: the parts of the report add up to its tensors, and only a full one has digests.
func TestInspect(t *testing.T) {
	m, _ := embedded(t)
	for _, full := range []bool{false, true} {
		r, err := trace.Inspect(context.Background(), m, full)
		if err != nil {
			t.Fatal(err)
		}
		parameters, parts := 0, 0
		for _, tensor := range r.Tensors {
			n := 1
			for _, d := range tensor.Shape {
				n *= d
			}
			parameters += n
			if (tensor.SHA256 != "") != full || (tensor.Stats != nil) != full {
				t.Errorf("full %v: %+v", full, tensor)
			}
		}
		for _, p := range r.Parts {
			parts += p.Parameters
		}
		if parameters == 0 || parameters != parts || (r.Digest != "") != full {
			t.Errorf("full %v: %d parameters in tensors, %d in parts, digest %q", full, parameters, parts, r.Digest)
		}
	}
}
