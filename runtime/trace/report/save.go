package report

import (
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/trace"
	"github.com/loupe-vl/loupe/runtime/trace/attribution"
	"github.com/loupe-vl/loupe/runtime/trace/figure"
	"github.com/loupe-vl/loupe/vit/picture"
	"github.com/loupe-vl/loupe/weights"
	"github.com/loupe-vl/loupe/weights/disk"
)

// Kind is the extension of a name, ".png" and so on, which must be one of kinds.
func Kind(path string, kinds ...string) (string, error) {
	ext := strings.ToLower(filepath.Ext(path))
	if !slices.Contains(kinds, ext) {
		return "", fmt.Errorf("output %s: name a file that ends in one of %s", path, strings.Join(kinds, " "))
	}
	return ext, nil
}

// MapKinds are the kinds of files that SaveMap writes.
var MapKinds = []string{".png", ".json", ".csv", ".npz", ".safetensors"}

// Attended is a map and, where it was measured, how faithful it is.
type Attended struct {
	*attribution.Map
	Faithfulness *attribution.Faithfulness `json:"faithfulness,omitempty"`
}

// SaveMap writes a map to a file of the kind that its name asks for. The file appears whole or not at all.
func SaveMap(path string, p *loupe.Prompt, proc picture.Processor, a Attended, style figure.Style) error {
	ext, err := Kind(path, MapKinds...)
	if err != nil {
		return err
	}
	switch ext {
	case ".png":
		img, err := figure.Attribution(p, proc, a.Map, style)
		if err != nil {
			return err
		}
		return SavePNG(path, img)
	case ".json":
		return SaveJSON(path, a)
	case ".csv":
		return saveCSV(path, a.Map)
	}
	return saveTensors(path, mapTensors(p, proc, a.Map))
}

// SavePNG writes a picture.
func SavePNG(path string, img image.Image) error {
	return disk.WriteFile(path, func(w io.Writer) error { return png.Encode(w, img) })
}

// SaveJSON writes a value as one object.
func SaveJSON(path string, v any) error {
	return disk.WriteFile(path, func(w io.Writer) error { return json.NewEncoder(w).Encode(v) })
}

// saveCSV writes a line for each cell.
func saveCSV(path string, m *attribution.Map) error {
	lines := [][]string{{"kind", "index", "frame", "row", "column", "value"}}
	for _, p := range m.Panels {
		for i, v := range p.Values {
			lines = append(lines, []string{p.Kind, strconv.Itoa(p.Index), strconv.Itoa(p.Frame), strconv.Itoa(i / p.Cols), strconv.Itoa(i % p.Cols), strconv.FormatFloat(v, 'g', -1, 64)})
		}
	}
	return SaveCSV(path, lines)
}

// SaveCSV writes lines of fields.
func SaveCSV(path string, lines [][]string) error {
	return disk.WriteFile(path, func(w io.Writer) error {
		out := csv.NewWriter(w)
		if err := out.WriteAll(lines); err != nil {
			return err
		}
		return out.Error()
	})
}

// saveTensors writes an .npz or .safetensors file.
func saveTensors(path string, tensors []weights.Named) error {
	w, err := trace.Create(path)
	if err != nil {
		return err
	}
	defer w.Abort()
	for _, t := range tensors {
		if err := w.AddNamed(t); err != nil {
			return err
		}
	}
	return w.Close()
}

// mapTensors are, for each panel, the map, (rows, columns) of float64, as "image.0" or, of a video's frames, "video.0.1", and
// the picture that the model saw, (height, width, 3) bytes, as "seen.image.0".
func mapTensors(p *loupe.Prompt, proc picture.Processor, m *attribution.Map) []weights.Named {
	var out []weights.Named
	seen := figure.Seen(p, proc)
	for i, panel := range m.Panels {
		name := panelName(panel)
		out = append(out, fromF64(name, []int{panel.Rows, panel.Cols}, panel.Values), fromRGB("seen."+name, seen[i]))
	}
	out = append(out, fromF64("elsewhere", []int{1}, []float64{m.Elsewhere}))
	if m.Sum != nil {
		out = append(out, fromF64("sum", []int{3}, []float64{m.Sum.Base, m.Sum.Remainder, m.Sum.Total}))
	}
	return out
}

func panelName(p attribution.Panel) string {
	if p.Kind == "video" {
		return fmt.Sprintf("video.%d.%d", p.Index, p.Frame)
	}
	return fmt.Sprintf("%s.%d", p.Kind, p.Index)
}

func fromF64(name string, shape []int, values []float64) weights.Named {
	var data []byte
	for _, v := range values {
		data = binary.LittleEndian.AppendUint64(data, math.Float64bits(v))
	}
	return weights.FromBytes(name, weights.F64, shape, data)
}

func fromRGB(name string, img *image.RGBA) weights.Named {
	b := img.Bounds()
	data := make([]byte, 0, 3*b.Dx()*b.Dy())
	for i := 0; i < len(img.Pix); i += 4 {
		data = append(data, img.Pix[i:i+3]...)
	}
	return weights.FromBytes(name, weights.U8, []int{b.Dy(), b.Dx(), 3}, data)
}
