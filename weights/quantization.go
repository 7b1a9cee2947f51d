package weights

import (
	"fmt"
	"slices"
	"strings"

	"github.com/loupe-vl/loupe/kernels"
)

// scheme is a way in which checkpoints store the weights of linear maps other than as one tensor NAME.weight each. A new one is a value
// of it in a file of its own, and its name in schemes.
type scheme struct {
	// method is the quant_method of config.json's quantization_config that asks for the scheme; "" where config.json does not speak of
	// it.
	method string
	// settings reads quantization_config, the rest of it, for linear. It refuses what the scheme does not have by f.fail. nil where method
	// is "".
	settings func(f *fields) any
	// ends are how the names of the tensors of a linear map go on after the map's. The first is of the tensor that holds its weights,
	// and a map without that tensor is not stored so.
	ends []string
	// linear makes the weight, (rows, cols), of the linear map of that name, and returns the tensors that it took.
	linear func(c *Checkpoint, settings any, name string, rows, cols int) (w kernels.Matrix, took []Tensor, err error)
}

// schemes are all that loupe reads.
var schemes = []*scheme{&packedScheme}

// Quantization is how config.json says that the weights of linear maps are stored.
type Quantization struct {
	Method   string // quant_method
	scheme   *scheme
	settings any
}

// readQuantization reads quantization_config of one of the objects of config.json; nil where there is none.
func readQuantization(f *fields) *Quantization {
	if !f.has("quantization_config") {
		return nil
	}
	config, _ := f.obj["quantization_config"].(object)
	method, _ := config["quant_method"].(string)
	i := slices.IndexFunc(schemes, func(s *scheme) bool { return s.method != "" && s.method == method })
	if i < 0 {
		named := ""
		if method != "" {
			named = fmt.Sprintf(" (%.40s)", method)
		}
		f.fail("quantization_config", "asks for a quantized checkpoint%s, which is not supported yet; use the BF16, F16 or F32 one", named)
		return nil
	}
	sub := f.scope("quantization_config")
	sub.text("quant_method")
	q := &Quantization{Method: method, scheme: schemes[i], settings: schemes[i].settings(sub)}
	for _, key := range sub.unknown() {
		sub.fail(key, "is not known of the method %s; update loupe, or use the BF16, F16 or F32 checkpoint", method)
	}
	return q
}

// Linear implements [LinearSource].
func (c *Checkpoint) Linear(name string, rows, cols int) (kernels.Matrix, bool, error) {
	for _, s := range schemes {
		if _, ok := c.tensors[name+s.ends[0]]; !ok {
			continue
		}
		var settings any
		if s.method != "" {
			if c.Quantization == nil || c.Quantization.scheme != s {
				continue
			}
			settings = c.Quantization.settings
		}
		w, took, err := s.linear(c, settings, name, rows, cols)
		if err != nil {
			return kernels.Matrix{}, true, err
		}
		c.mu.Lock()
		for _, t := range took {
			c.used[t.Name] = true
		}
		c.mu.Unlock()
		return w, true, nil
	}
	return kernels.Matrix{}, false, nil
}

// LinearPart is the linear map that a tensor of a quantized checkpoint belongs to, and whether it holds its weights, and not their
// scales, zero points or the like. Of other tensors linear is "".
func LinearPart(name string) (linear string, holdsWeights bool) {
	for _, s := range schemes {
		for i, end := range s.ends {
			if linear, ok := strings.CutSuffix(name, end); ok {
				return linear, i == 0
			}
		}
	}
	return "", false
}
