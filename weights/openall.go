package weights

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// OpenAll maps a safetensors file, or every one of a directory in order of name,
// whatever they hold: for looking at, not for running. It is an error if there
// are none, or if one of them is no safetensors file.
func OpenAll(path string) ([]*File, error) {
	names := []string{path}
	if info, err := os.Stat(path); err != nil {
		return nil, err
	} else if info.IsDir() {
		entries, err := os.ReadDir(path)
		if err != nil {
			return nil, err
		}
		names = nil
		for _, name := range namesOf(entries) {
			if strings.HasSuffix(name, ".safetensors") {
				names = append(names, filepath.Join(path, name))
			}
		}
		if names == nil {
			return nil, fmt.Errorf("%s holds no safetensors file", path)
		}
	}
	var files []*File
	for _, name := range names {
		f, err := Open(name)
		if err != nil {
			return nil, errors.Join(err, CloseAll(files))
		}
		files = append(files, f)
	}
	return files, nil
}

// CloseAll closes files.
func CloseAll(files []*File) error {
	var errs []error
	for _, f := range files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// ReadObject reads a JSON file of a model's whose keys need not be known, with
// the bounds that other files have; values are nil, bool, string, json.Number,
// []any or map[string]any.
func ReadObject(file string, data []byte) (map[string]any, error) {
	obj, err := parseObject(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return obj, nil
}
