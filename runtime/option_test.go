package loupe_test

import (
	"errors"
	"testing"

	loupe "github.com/loupe-vl/loupe/runtime"
)

// TestOptionErrors: whoever calls the library finds which option is wrong, and what it was, without reading the sentence.
func TestOptionErrors(t *testing.T) {
	low := -3.0
	for field, validate := range map[string]func() error{
		"Generation.Temperature": func() error {
			g := loupe.Generation{}
			g.Temperature = low
			return g.Validate()
		},
		"Generation.MaxTokens": func() error { return loupe.Generation{MaxTokens: -1}.Validate() },
		"Options.Precision":    func() error { _, err := loupe.Embedded(loupe.Options{Precision: "fp8"}); return err },
		"Options.Threads":      func() error { _, err := loupe.Embedded(loupe.Options{Threads: -1}); return err },
		"Options.Kernels":      func() error { _, err := loupe.Embedded(loupe.Options{Kernels: "sse9"}); return err },
		"Options.MinPixels":    func() error { _, err := loupe.Embedded(loupe.Options{MinPixels: 9000, MaxPixels: 8000}); return err },
		"QuantizeOptions.Group": func() error {
			return loupe.QuantizeOptions{Precision: "int8", Group: 48}.Validate()
		},
		"Files.FPS": func() error { _, err := loupe.Files{FPS: -1, Text: "hi"}.Read(t.Context()); return err },
	} {
		var wrong *loupe.OptionError
		if err := validate(); !errors.As(err, &wrong) || wrong.Field != field || wrong.Value == nil {
			t.Errorf("%s: error %v, found as %+v", field, err, wrong)
		}
	}
}
