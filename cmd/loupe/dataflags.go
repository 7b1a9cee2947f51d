package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/loupe-vl/loupe/runtime/train"
	"github.com/spf13/cobra"
)

// dataFlags say how records are read. They are the same on every command that reads some.
type dataFlags struct {
	columns []string
	options train.ReadOptions
}

func (f *dataFlags) register(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringSliceVar(&f.columns, "columns", nil, "`NAME[=COLUMN]` of the columns or keys to read, as in score=mos,critique=comment,color; others then become no target (default: those that are called so, and numbers as targets)")
	fl.StringVar(&f.options.ImageFolder, "image-folder", "", "`DIR` that the paths of pictures are relative to (default: that of the records)")
	must(cmd.MarkFlagDirname("image-folder"))
}

// check reads --columns.
func (f *dataFlags) check(cmd *cobra.Command) (err error) {
	if f.options.Columns, err = train.ParseColumns(f.columns); err != nil {
		return usageError{err}
	}
	if cmd.Flags().Changed("columns") && len(f.columns) == 0 {
		return usageError{fmt.Errorf("--columns is empty; give NAME or NAME=COLUMN, or leave it away")}
	}
	return nil
}

// read reads the records of a file or directory, and notes what in it is not read.
func (f *dataFlags) read(cmd *cobra.Command, path string) ([]train.Record, error) {
	if err := f.check(cmd); err != nil {
		return nil, err
	}
	data, err := train.ReadData(cmd.Context(), path, f.options)
	if err != nil {
		return nil, err
	}
	for _, note := range data.Notes {
		printNote(note)
	}
	return data.Records, nil
}

// isTableName reports whether a file is a table by its name.
func isTableName(path string) bool {
	return slices.Contains([]string{".csv", ".tsv", ".tab"}, strings.ToLower(filepath.Ext(path)))
}
