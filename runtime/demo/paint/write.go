package paint

import (
	"context"
	"encoding/json"
	"fmt"
	"image/png"
	"io"
	"os"
	"path/filepath"

	"github.com/loupe-vl/loupe/weights/disk"
)

// A record is one line of data.jsonl.
type record struct {
	Image    string     `json:"image"`
	Score    float64    `json:"score"`
	Critique string     `json:"critique"`
	Targets  Dimensions `json:"targets"`
	Split    string     `json:"split"`
}

// DataName is the file that Write lists the pictures in.
const DataName = "data.jsonl"

// Write paints the first count pictures of a seed into dir, which it makes, as PNG files, and lists them in dir/data.jsonl as
// training data: a JSON object a line with image, score, critique, targets (the dimensions) and split, which is eval for a
// fifth of the pictures, chosen by the seed and the index alone. Every file appears whole or not at all, the list last.
// progress, unless it is nil, is told after each picture how many are done. It stops between two pictures when ctx ends.
func Write(ctx context.Context, dir string, count int, seed uint64, progress func(done int)) error {
	if count < 1 {
		return fmt.Errorf("cannot paint %d pictures; ask for at least one", count)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("make the directory for the pictures: %w", err)
	}
	out, err := disk.LockOutput(dir)
	if err != nil {
		return err
	}
	defer out.Release()
	records := make([]record, count)
	for i := range records {
		if err := ctx.Err(); err != nil {
			return err
		}
		p := Paint(seed, i)
		records[i] = newRecord(p, seed, i)
		// Grain does not compress: as it is, a picture is written and read in half the time.
		encoder := png.Encoder{CompressionLevel: png.NoCompression}
		if err := disk.WriteFile(filepath.Join(dir, records[i].Image), func(w io.Writer) error {
			return encoder.Encode(w, p.Image())
		}); err != nil {
			return err
		}
		if progress != nil {
			progress(i + 1)
		}
	}
	return disk.WriteFile(filepath.Join(dir, DataName), func(w io.Writer) error {
		e := json.NewEncoder(w)
		for _, r := range records {
			if err := e.Encode(r); err != nil {
				return err
			}
		}
		return nil
	})
}

func newRecord(p Painting, seed uint64, index int) record {
	split := "train"
	if newStream(seed, index, streamSplit).pick(5) == 0 {
		split = "eval"
	}
	return record{fmt.Sprintf("%05d.png", index), p.Score, p.Critique, p.Dimensions, split}
}
