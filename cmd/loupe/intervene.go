package main

import (
	"context"
	"fmt"
	"os"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/trace"
	"github.com/loupe-vl/loupe/runtime/train"
	"github.com/loupe-vl/loupe/weights/disk"
	"github.com/spf13/cobra"
)

// readInterventions reads a file of interventions, and computes the dataset means that it asks for.
func readInterventions(cmd *cobra.Command, m *loupe.Model, path string) ([]loupe.Intervention, error) {
	list, err := trace.ReadInterventions(path)
	if err != nil {
		return nil, err
	}
	ctx := cmd.Context()
	bar := newProgress("mean over pictures", 0)
	defer bar.end()
	list, err = loupe.FillMeans(ctx, m, list, func(name string) (loupe.Dataset, error) { return openDataset(ctx, m, name) }, bar.at)
	if err != nil {
		return nil, fmt.Errorf("interventions %s: %w", path, err)
	}
	return list, nil
}

// openDataset finds the pictures of a directory, with the question of score, or those of a file of records, each with its
// own question.
func openDataset(ctx context.Context, m *loupe.Model, name string) (loupe.Dataset, error) {
	if disk.IsDir(name) {
		pictures, err := loupe.Pictures([]string{name})
		if err != nil {
			return loupe.Dataset{}, err
		}
		return loupe.Dataset{Len: len(pictures), Prompt: func(i int) (*loupe.Prompt, error) {
			img, err := pictures[i].Load(ctx)
			if err != nil {
				return nil, err
			}
			return m.Prepare(ctx, m.ScoreInput(img))
		}}, nil
	}
	if _, err := os.Stat(name); err != nil {
		return loupe.Dataset{}, fmt.Errorf("`data` %s: there is no such directory of pictures, or file of records", name)
	}
	data, err := train.ReadData(ctx, name, train.ReadOptions{})
	if err != nil {
		return loupe.Dataset{}, err
	}
	for _, note := range data.Notes {
		printNote(note)
	}
	return loupe.Dataset{Len: len(data.Records), Prompt: func(i int) (*loupe.Prompt, error) { return data.Records[i].Question(ctx, m) }}, nil
}
