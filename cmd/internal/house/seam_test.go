package house

import (
	"go/ast"
	"slices"
	"strings"
	"testing"
)

// operands are the names of package kernels that go through the seam: devices, their memory and weights, and which product is
// meant. Everything else there is a kernel, or serves kernels.
var operands = []string{
	"Device", "Limited", "DryDevice", "MeasuredDevice", "Peaks", "Buffer", "Array", "Allocation", "Placed", "HostBuffer", "HostArray", "Floats", "WeightFloats", "SetWeight", "PlaceVector", "Download", "NonFiniteFloats", "ReadNonFinite", "CopyArrays",
	"Matrix", "F32", "BF16", "F16", "Form", "Plain", "TransW", "TransX", "Accumulate", "AdamWStep", "NormGrad",
	"Activation", "ActivationQuickGELU", "ActivationGELU",
	"Attention", "AttentionPart", "AttentionStages", "Inspector", "Scores", "Probs", "ProbsGrad", "ScoresGrad",
}

// kernelUsers are the files and folders above the seam that name more, and why.
var kernelUsers = map[string]string{
	"runtime/model.go":              "starts the engine that the processor computes with",
	"runtime/hostwork.go":           "lends the engine to what is done on the host, and lists that",
	"runtime/memory.go":             "starts one that a shape needs for nothing but its settings",
	"runtime/precision.go":          "packs weights",
	"runtime/quantize.go":           "packs weights",
	"runtime/random.go":             "describes random weights, which a device makes",
	"runtime/plan.go":               "describes weights by their layout and shape, for a device that counts",
	"runtime/internal/device":       "chooses the device",
	"runtime/internal/fixture":      "puts another device in the processor's place, for tests",
	"runtime/trace/attribution":     "computes probabilities of heads again on the host, from taps",
	"runtime/train/ridge.go":        "solves in float64 on the host's workers",
	"runtime/train/fit.go":          "solves in float64 on the host's workers",
	"runtime/trace/lens/nearest.go": "sums in float64 on the host's workers",
	"runtime/train/leftout.go":      "solves in float64 on the host's workers",
	"cmd/loupe/eval.go":             "starts an engine for a sentence encoder without a model",
	"weights":                       "reads layouts of weights",
}

// TestNothingAboveTheSeamNamesAKernel: the model, what is made of it, and the operations that it is written in know devices, and not
// what a device computes with. Else a second device would compute some things on the first.
func TestNothingAboveTheSeamNamesAKernel(t *testing.T) {
	used := map[string]bool{}
	for _, s := range sources(t) {
		inKernels := strings.HasPrefix(s.name, "kernels/")
		if s.test || inKernels && s.dir() != "kernels/tensor" {
			continue
		}
		user := ""
		for who := range kernelUsers {
			if s.name == who || strings.HasPrefix(s.name, who+"/") {
				user = who
			}
		}
		for _, name := range kernelNames(s) {
			if slices.Contains(operands, name) {
				continue
			}
			if user == "" {
				t.Errorf("%s names kernels.%s, which is no operand of a device: ask a kernels.Device for what it computes (or, in a run, a tensor.Run)", s.name, name)
			}
			used[user] = true
		}
	}
	for who := range kernelUsers {
		if !used[who] {
			t.Errorf("%s names no kernel any more: take it off the list", who)
		}
	}
}

// kernelNames are the names of package kernels that a file uses, and Engine where it asks a model for one.
func kernelNames(s source) (names []string) {
	ast.Inspect(s.file, func(n ast.Node) bool {
		if x, ok := n.(*ast.SelectorExpr); ok {
			if p, ok := x.X.(*ast.Ident); ok && p.Name == "kernels" && p.Obj == nil {
				names = append(names, x.Sel.Name)
			} else if x.Sel.Name == "Engine" {
				names = append(names, "Engine")
			}
		}
		return true
	})
	return names
}
