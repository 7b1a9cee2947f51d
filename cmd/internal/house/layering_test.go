package house

import (
	"slices"
	"strings"
	"testing"
)

// layers says, for each area of the tree, which areas it may import beside itself. An area is a folder with all below it
// that no longer entry names; a name that ends in /* is any folder right below. Imports run downward: an area is written
// before those that may import it.
var layers = []struct {
	area string
	may  []string
}{
	{"kernels/internal", nil},
	{"kernels/peak", []string{"kernels/internal"}},
	{"kernels/num", nil},
	{"kernels/vec", []string{"kernels/internal", "kernels/num"}},
	{"kernels/gemm", []string{"kernels/internal", "kernels/peak", "kernels/num", "kernels/vec"}},
	{"kernels/qgemm", []string{"kernels/internal", "kernels/num", "kernels/gemm"}},
	{"kernels", []string{"kernels/internal", "kernels/peak", "kernels/num", "kernels/vec", "kernels/gemm", "kernels/qgemm"}},
	{"kernels/cuda", []string{"kernels", "kernels/num"}},
	{"kernels/meta", []string{"kernels"}},
	{"kernels/host", []string{"kernels"}},
	{"kernels/attention", []string{"kernels", "kernels/host"}},
	{"kernels/cpu", []string{"kernels", "kernels/host", "kernels/attention", "kernels/num", "kernels/vec"}},
	{"kernels/devicetest", []string{"kernels", "kernels/cpu"}},
	{"kernels/tensor", []string{"kernels", "kernels/num", "kernels/vec"}},
	{"weights/disk", nil},
	{"weights/option", nil},
	{"weights", []string{"weights/disk", "kernels", "kernels/num", "kernels/tensor"}},
	{"vit/jpeg", nil},
	{"vit/picture", []string{"vit/jpeg", "weights/disk"}},
	{"vit", []string{"vit/picture", "weights", "weights/disk", "kernels", "kernels/num", "kernels/tensor"}},
	{"decoder", []string{"weights", "weights/disk", "kernels", "kernels/num", "kernels/tensor"}},
	{"tokenizer/jinja", nil},
	{"tokenizer", []string{"tokenizer/jinja", "weights", "weights/disk"}},
	{"runtime/demo", []string{"tokenizer", "weights", "weights/disk", "vit/picture", "kernels", "kernels/num"}},
	{"runtime", []string{"runtime/demo", "vit", "vit/picture", "vit/jpeg", "decoder", "tokenizer", "weights", "weights/disk", "weights/option", "kernels", "kernels/num", "kernels/tensor", "kernels/cpu", "kernels/meta", "kernels/cuda"}},
	{"runtime/*", []string{"kernels/peak", "runtime", "runtime/demo", "vit", "vit/picture", "vit/jpeg", "decoder", "tokenizer", "weights", "weights/disk", "weights/option", "kernels", "kernels/num", "kernels/tensor", "kernels/cpu", "kernels/meta", "kernels/cuda"}},
	{"runtime/internal/fixture", []string{"runtime", "kernels", "kernels/devicetest", "tokenizer", "weights", "vit/picture"}}, // of tests alone
	{"cmd", []string{"runtime", "runtime/*", "runtime/demo", "vit", "vit/picture", "vit/jpeg", "decoder", "tokenizer", "weights", "weights/disk", "weights/option", "kernels", "kernels/num", "kernels/tensor", "kernels/cpu", "kernels/meta", "kernels/cuda"}},
}

// areaOf is the entry of layers that lies closest above a folder, "" where there is none.
func areaOf(dir string) string {
	best, length := "", 0
	for _, l := range layers {
		name := l.area
		if parent, any := strings.CutSuffix(name, "/*"); any {
			rest, below := strings.CutPrefix(dir, parent+"/")
			child, _, _ := strings.Cut(rest, "/")
			if !below || child == "internal" {
				continue
			}
			name = parent + "/" + child
		}
		if (dir == name || strings.HasPrefix(dir, name+"/")) && len(name) > length {
			best, length = l.area, len(name)
		}
	}
	return best
}

// mayImport reports whether a package of one folder of the module may import that of another.
func mayImport(from, to string) bool {
	a, b := areaOf(from), areaOf(to)
	if a == b && a != "" {
		return true
	}
	for _, l := range layers {
		if l.area == a {
			return slices.Contains(l.may, b)
		}
	}
	return false
}

// TestImportsRunDownward keeps the order of the house: what computes knows nothing of what calls it.
func TestImportsRunDownward(t *testing.T) {
	for _, s := range sources(t) {
		if areaOf(s.dir()) == "" {
			t.Errorf("%s lies in no area of the table in this test: move it, or give its folder a row that says what it may import", s.name)
			continue
		}
		if s.test {
			continue // a test may build what it tests from above
		}
		for _, p := range s.imports() {
			if to, ours := strings.CutPrefix(p, module+"/"); ours && !mayImport(s.dir(), to) {
				t.Errorf("%s imports %s: %s may import only %s; move the code down, or hand it in as an argument or an interface",
					s.name, to, areaOf(s.dir()), strings.Join(mayOf(s.dir()), ", "))
			}
		}
	}
}

// mayOf lists what a folder's area may import.
func mayOf(dir string) []string {
	for _, l := range layers {
		if l.area == areaOf(dir) {
			return append([]string{l.area}, l.may...)
		}
	}
	return nil
}

func TestMayImport(t *testing.T) {
	for _, c := range []struct {
		from, to string
		want     bool
	}{
		{"cmd/loupe", "runtime", true},
		{"cmd/loupe", "runtime/trace", true},
		{"cmd/loupe", "cmd/internal/house", true},
		{"runtime", "cmd/loupe", false},
		{"runtime", "runtime/demo", true},
		{"runtime", "runtime/trace", false},
		{"runtime", "runtime/internal/rows", true},
		{"runtime/demo", "runtime", false},
		{"runtime/demo/paint", "weights", true},
		{"runtime/serve", "runtime/audit", true},
		{"runtime/trace", "runtime", true},
		{"vit", "decoder", false},
		{"decoder", "vit", false},
		{"decoder", "vit/picture", false},
		{"vit/picture", "vit/jpeg", true},
		{"vit/picture", "vit", false},
		{"vit/picture", "kernels/tensor", false},
		{"vit/jpeg", "vit/picture", false},
		{"vit/picture", "weights/disk", true},
		{"vit/picture", "weights", false},
		{"weights/disk", "weights", false},
		{"weights", "tokenizer", false},
		{"tokenizer", "vit", false},
		{"kernels/tensor", "weights", false},
		{"kernels/tensor", "kernels", true},
		{"kernels", "kernels/tensor", false},
		{"kernels", "kernels/internal/cpu", true},
		{"kernels/peak", "kernels/internal/cpu", true},
		{"kernels/peak", "kernels", false},
		{"kernels/num", "kernels/vec", false},
		{"kernels/vec", "kernels", false},
		{"kernels/gemm", "kernels", false},
		{"kernels/gemm", "kernels/qgemm", false},
		{"kernels/qgemm", "kernels", false},
		{"weights", "kernels/qgemm", false},
		{"kernels/gemm/bf16", "kernels/gemm", true},
		{"kernels/tensor", "kernels/gemm", false},
		{"weights", "kernels/gemm", false},
		{"decoder", "kernels/num", true},
		{"decoder", "kernels/vec", false},
		{"kernels/internal/cpu", "kernels", false},
		{"runtime/bench", "kernels/peak", true},
		{"runtime", "kernels/internal/cpu", false},
		{"docs/sample", "kernels", false},
	} {
		if got := mayImport(c.from, c.to); got != c.want {
			t.Errorf("mayImport(%q, %q) = %v, want %v", c.from, c.to, got, c.want)
		}
	}
}

// modules are the modules that loupe may import directly, each with what for. They bring their own dependencies.
var modules = map[string]string{
	"gonum.org/v1/gonum":                                "statistics and small linear algebra",
	"gonum.org/v1/plot":                                 "plots",
	"github.com/x448/float16":                           "float16",
	"github.com/chewxy/math32":                          "scalar float32 functions outside the laws' arithmetic",
	"github.com/nlpodyssey/gotokenizers":                "BPE merges, byte-level pre-tokenizing, WordPiece",
	"github.com/dlclark/regexp2":                        "the pre-tokenizer's expression, and those of adapters, which are Python's",
	"golang.org/x/text":                                 "NFC, letters of both cases",
	"github.com/spf13/cobra":                            "commands",
	"github.com/spf13/pflag":                            "cobra's flags",
	"github.com/schollz/progressbar/v3":                 "progress",
	"golang.org/x/term":                                 "whether standard error is a terminal",
	"golang.org/x/image":                                "pictures",
	"golang.org/x/sys":                                  "CPU features and memory maps",
	"github.com/prometheus/client_golang":               "metrics of a server",
	"golang.org/x/mod":                                  "the tamper-evident log",
	"github.com/gowebpki/jcs":                           "canonical JSON (RFC 8785) of records",
	"github.com/secure-systems-lab/go-securesystemslib": "DSSE envelopes of records",
}

// testModules are those that only tests may import.
var testModules = map[string]string{
	"github.com/google/go-cmp":     "differences in tests",
	"github.com/chromedp/chromedp": "web pages in tests",
	"github.com/go-rod/rod":        "web pages in tests",
}

// within reports whether an import path lies in one of the modules.
func within(list map[string]string, p string) bool {
	for m := range list {
		if p == m || strings.HasPrefix(p, m+"/") {
			return true
		}
	}
	return false
}

// TestModulesAreChosen keeps the list of third-party modules short and on purpose.
func TestModulesAreChosen(t *testing.T) {
	for _, s := range sources(t) {
		for _, p := range s.imports() {
			first, _, _ := strings.Cut(p, "/")
			if !strings.Contains(first, ".") || p == module || strings.HasPrefix(p, module+"/") || within(modules, p) {
				continue
			}
			if within(testModules, p) {
				if !s.test {
					t.Errorf("%s imports %s, which is for tests only: move the code into a test or do without", s.name, p)
				}
				continue
			}
			t.Errorf("%s imports %s: no row of this test's table allows it; use a module of the table, or add a row that says what it is for and why nothing there serves", s.name, p)
		}
	}
}

// TestOnlyCUDAUsesCgo: a build needs Go and nothing else; only the GPU's package may call C.
func TestOnlyCUDAUsesCgo(t *testing.T) {
	for _, s := range sources(t) {
		if slices.Contains(s.imports(), "C") && areaOf(s.dir()) != "kernels/cuda" {
			t.Errorf("%s imports \"C\": only kernels/cuda may use cgo; write it in Go, or move it there behind its build tag", s.name)
		}
	}
}
