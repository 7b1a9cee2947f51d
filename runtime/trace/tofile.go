package trace

import (
	"context"
	"fmt"
	"path/filepath"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/weights"
	"github.com/loupe-vl/loupe/weights/disk"
	"github.com/loupe-vl/loupe/weights/option"
)

// ToFile runs a trace and writes the prompt's inputs and every tap to path, a piece at a time: memory does not grow with
// what is written. A safetensors file's metadata name the precision and, where that is no CPU, the device. On any error, and if ctx is canceled, nothing is left at path.
func ToFile(ctx context.Context, m *loupe.Model, p *loupe.Prompt, o loupe.TraceOptions, path string) (*loupe.Traced, error) {
	size, err := SizeOf(ctx, m, p, o)
	if err != nil {
		return nil, err
	}
	if free := disk.Free(filepath.Dir(path)); free > 0 && size.Bytes > free {
		return nil, &option.Error{Field: "TraceOptions.Taps", Value: size.Taps, Fault: fmt.Sprintf("output %s: the %d taps take up to %s, and the disk has %s free", path, size.Taps, Bytes(size.Bytes), Bytes(free)), Want: "name fewer in TraceOptions.Taps"}
	}
	w, err := create(path, metadata(m))
	if err != nil {
		return nil, err
	}
	defer w.Abort()
	inputs := Inputs(p, m.Config.Vision.SpatialMergeSize)
	if s, ok := w.(safetensors); ok {
		for _, t := range inputs {
			size.header += weights.HeaderBytes(t.Name, len(t.Shape))
		}
		s.Reserve(min(size.header, maxRoom)) // past it Close copies the file once
	}
	for _, t := range inputs {
		if err := w.AddNamed(t); err != nil {
			return nil, err
		}
	}
	o.Parts = w.AddPart
	result, err := m.Trace(ctx, p, o)
	if err != nil {
		return nil, err
	}
	return result, w.Close()
}

// metadata say how a trace was computed.
func metadata(m *loupe.Model) map[string]string {
	out := map[string]string{"precision": m.Settings().Precision}
	if i := m.GPU(); i != nil {
		out["device"] = i.String()
	}
	return out
}

// Size is the most that a trace would write.
type Size struct {
	Taps  int
	Bytes int64

	header int // bytes of a safetensors header
}

// maxRoom bounds the space reserved for a header. If generation ends early most of it stays blank.
const maxRoom = 4 << 20

// headerBase is more than the bytes of a safetensors header beside its tensors.
const headerBase = 512

// SizeOf counts what a trace would write, without computing anything. A tap that matches no point is an error.
func SizeOf(ctx context.Context, m *loupe.Model, p *loupe.Prompt, o loupe.TraceOptions) (Size, error) {
	s := Size{header: headerBase}
	err := o.EachShape(ctx, m, p, func(t loupe.TapShape) {
		s.Taps++
		s.Bytes += t.Bytes()
		s.header += weights.HeaderBytes(t.Name, len(t.Shape))
	})
	return s, err
}

// Bytes is a number of bytes as people write it: "1.5 GiB".
type Bytes int64

// String implements fmt.Stringer.
func (b Bytes) String() string {
	units := []string{"bytes", "KiB", "MiB", "GiB", "TiB", "PiB"}
	x, i := float64(b), 0
	for ; x >= 1024 && i < len(units)-1; i++ {
		x /= 1024
	}
	if i == 0 {
		return fmt.Sprintf("%d bytes", int64(b))
	}
	return fmt.Sprintf("%.1f %s", x, units[i])
}
