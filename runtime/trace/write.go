package trace

import (
	"fmt"
	"maps"
	"path/filepath"
	"strings"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/vit"
	"github.com/loupe-vl/loupe/weights"
)

// Writer writes tensors as they come. Nothing stands at its path until Close, and nothing at all after Abort.
type Writer interface {
	// AddNamed writes one tensor; an error is final.
	AddNamed(weights.Named) error
	// AddPart writes a piece of a tap. The pieces of a tap come in order; those of several taps may alternate.
	AddPart(loupe.Part) error
	// Close makes the result appear.
	Close() error
	// Abort removes what was written. After Close it does nothing.
	Abort()
}

// Create begins a file of the kind that the extension of path says: .safetensors, .npz, or else a directory of .npy files.
func Create(path string) (Writer, error) { return create(path, nil) }

// create is Create with metadata of a run, which safetensors files hold.
func create(path string, metadata map[string]string) (Writer, error) {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".safetensors":
		all := map[string]string{"format": "pt", "program": "loupe"}
		maps.Copy(all, metadata)
		w, err := weights.NewStreamWriter(path, all)
		return safetensors{w}, err
	case ".npz":
		w, err := weights.NewNpzWriter(path)
		return &npz{NpzWriter: w, beside: path}, err
	case "":
		return newDirectory(filepath.Clean(path))
	}
	return nil, fmt.Errorf("output %s: name a .safetensors or .npz file, or a directory", path)
}

// Tap is a tap as a tensor to write.
func Tap(t loupe.Tap) weights.Named { return weights.FromF32(t.Name, t.Shape, t.Data) }

// Inputs are what a trace holds beside its taps: input_ids, position_ids (3, n), rope_delta, image_grid_thw,
// video_grid_thw, and for the patches of each the place (grid, frame, row, column) in the order of visual.*'s rows, and
// for the merged rows the position in the prompt.
func Inputs(p *loupe.Prompt, merge int) []weights.Named {
	n := len(p.IDs)
	positions := make([]int64, 0, 3*n)
	for _, axis := range p.Positions {
		positions = append(positions, int64s(axis)...)
	}
	out := []weights.Named{
		weights.FromI64("input_ids", []int{n}, int64s(p.IDs)),
		weights.FromI64("position_ids", []int{3, n}, positions),
		weights.FromI64("rope_delta", []int{1}, []int64{int64(p.RopeDelta)}),
	}
	out = append(out, visionInputs("image", p.Images, merge)...)
	return append(out, visionInputs("video", p.Videos, merge)...)
}

func visionInputs(kind string, v *loupe.Vision, merge int) []weights.Named {
	if v == nil {
		return nil
	}
	var grids, places []int64
	for i, g := range v.Grids {
		grids = append(grids, int64(g[0]), int64(g[1]), int64(g[2]))
		for _, p := range vit.PatchOrder(g, merge) {
			places = append(places, int64(i), int64(p.Frame), int64(p.Row), int64(p.Col))
		}
	}
	return []weights.Named{
		weights.FromI64(kind+"_grid_thw", []int{len(v.Grids), 3}, grids),
		weights.FromI64(kind+"_patch_places", []int{len(places) / 4, 4}, places),
		weights.FromI64(kind+"_token_positions", []int{len(v.At)}, int64s(v.At)),
	}
}

func int64s(x []int) []int64 {
	out := make([]int64, len(x))
	for i, v := range x {
		out[i] = int64(v)
	}
	return out
}
