package trace

import (
	"context"

	loupe "github.com/loupe-vl/loupe/runtime"
)

// ToFile runs a trace and writes the prompt's inputs and every tap to path, a tap at a time: memory does not grow with
// their number. A safetensors file's metadata name the precision. On any error, and if ctx is cancelled, nothing is left at path.
func ToFile(ctx context.Context, m *loupe.Model, p *loupe.Prompt, o loupe.TraceOptions, path string) (*loupe.Traced, error) {
	w, err := create(path, map[string]string{"precision": m.Settings().Precision})
	if err != nil {
		return nil, err
	}
	defer w.Abort()
	for _, t := range Inputs(p, m.Config.Vision.SpatialMergeSize) {
		if err := w.AddNamed(t); err != nil {
			return nil, err
		}
	}
	result, err := m.Trace(ctx, p, o, func(t loupe.Tap) error { return w.AddNamed(Tap(t)) })
	if err != nil {
		return nil, err
	}
	return result, w.Close()
}
