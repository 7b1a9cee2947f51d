package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// finder finds the pictures that a file of records names.
type finder struct {
	dir   string
	names map[string]map[string]string // by directory: the names of its entries, by their composed form
}

// newFinder finds pictures relative to folder, or to the directory of the file of records.
func newFinder(dir, folder string) *finder {
	if folder != "" {
		dir = folder
	}
	return &finder{dir: dir, names: map[string]map[string]string{}}
}

// find is the path of a picture. If there is no file of the name that the record gives, it tries / for \, other Unicode
// compositions (a Mac writes é as two characters) and other case, as file systems without case would find it. A file that
// is nowhere keeps its name.
func (f *finder) find(name string) string {
	name = strings.TrimPrefix(name, "file://")
	path := f.within(name)
	if exists(path) {
		return path
	}
	forms := []string{name}
	if turned := strings.ReplaceAll(name, `\`, "/"); turned != name {
		forms = append(forms, turned)
	}
	for _, form := range forms {
		if p := f.within(form); exists(p) {
			return p
		} else if p, ok := f.composed(p); ok {
			return p
		}
	}
	return path
}

func (f *finder) within(name string) string {
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return filepath.Join(f.dir, name)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// composed finds a path whose names are the same in Unicode form C.
func (f *finder) composed(path string) (string, bool) {
	parent, base := filepath.Dir(path), filepath.Base(path)
	if parent == path {
		return path, exists(path)
	}
	if !exists(parent) {
		var ok bool
		if parent, ok = f.composed(parent); !ok {
			return "", false
		}
	}
	if p := filepath.Join(parent, base); exists(p) {
		return p, true
	}
	if f.names[parent] == nil {
		f.names[parent] = map[string]string{}
		entries, _ := os.ReadDir(parent) // what cannot be read is not found
		for _, e := range entries {
			f.names[parent][norm.NFC.String(e.Name())] = e.Name()
		}
	}
	name, ok := f.names[parent][norm.NFC.String(base)]
	if !ok {
		name, ok = f.folded(parent, base)
	}
	return filepath.Join(parent, name), ok
}

// folded finds the one file whose name differs in case alone.
func (f *finder) folded(parent, base string) (found string, ok bool) {
	base = strings.ToLower(norm.NFC.String(base))
	for composed, name := range f.names[parent] {
		if strings.ToLower(composed) == base {
			if ok {
				return "", false
			}
			found, ok = name, true
		}
	}
	return found, ok
}

// imagePaths reads the picture of a record, or a list of them: paths, or {"path": FILE} as datasets and ms-swift write them.
func imagePaths(raw json.RawMessage) (paths []string, err error) {
	for _, item := range listOf(raw) {
		var name string
		switch kindOf(item) {
		case textKind:
			err = json.Unmarshal(item, &name)
		case objectKind:
			var file struct{ Path, URL, Image *string }
			if err := json.Unmarshal(item, &file); err != nil {
				return nil, fmt.Errorf("image %.60s is no path", item)
			}
			for _, p := range []*string{file.Path, file.URL, file.Image} {
				if p != nil && name == "" {
					name = *p
				}
			}
			if name == "" {
				return nil, fmt.Errorf("image %.60s has no path; write the picture to a file and name it", item)
			}
		default:
			return nil, fmt.Errorf("image is %.60s, which is no path", item)
		}
		if err != nil {
			return nil, err
		}
		if err := checkPath(name); err != nil {
			return nil, err
		}
		if !absent(name) {
			paths = append(paths, name)
		}
	}
	return paths, nil
}

// checkPath refuses names that are no files.
func checkPath(name string) error {
	switch {
	case strings.HasPrefix(name, "http://"), strings.HasPrefix(name, "https://"):
		return fmt.Errorf("image %.80s: loupe fetches nothing from the network; download the file and give its path", name)
	case strings.HasPrefix(name, "data:"):
		return errors.New("image is a data: URL; write the picture to a file and name it")
	}
	return nil
}

// dataFile is a file of records in a directory.
type dataFile struct{ path, split string }

// dataFiles finds the records of a directory: the metadata of an ImageFolder, there or in folders named after splits, or the
// one file of records that it holds.
func dataFiles(dir string) ([]dataFile, error) {
	if files, err := recordFiles(dir, true); err != nil || len(files) > 0 {
		return files, err
	}
	var out []dataFile
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		split := splits[canonical(e.Name())]
		if split == "" || !e.IsDir() {
			continue
		}
		files, err := recordFiles(filepath.Join(dir, e.Name()), false)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			out = append(out, dataFile{f.path, split})
		}
	}
	if len(out) > 0 {
		return out, nil
	}
	for _, name := range []string{"dataset_info.json", "state.json", "dataset_dict.json"} {
		if exists(filepath.Join(dir, name)) {
			return nil, errors.New("it holds a data set as datasets.save_to_disk or LLaMA-Factory keep it: write it as JSON Lines (datasets: to_json), or name one of its files")
		}
	}
	return nil, errors.New("the directory holds no metadata.jsonl, metadata.csv or other file of records (.jsonl, .json, .csv, .tsv); folders of pictures alone say no scores")
}

// recordFiles are metadata.jsonl or metadata.csv, or else the one file of records in a directory. Several are an error,
// unless they are named after splits, such as train.jsonl and test.jsonl.
func recordFiles(dir string, any bool) ([]dataFile, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var all, ofSplits []dataFile
	var names []string
	for _, e := range entries {
		ext := strings.ToLower(filepath.Ext(e.Name()))
		base := strings.TrimSuffix(e.Name(), filepath.Ext(e.Name()))
		if e.IsDir() || !slices.Contains([]string{".jsonl", ".json", ".csv", ".tsv", ".ndjson"}, ext) || base == "dataset_info" || base == "state" || base == "dataset_infos" {
			continue
		}
		file := dataFile{path: filepath.Join(dir, e.Name())}
		if base == "metadata" {
			return []dataFile{file}, nil
		}
		if split := splits[canonical(base)]; split != "" {
			ofSplits = append(ofSplits, dataFile{file.path, split})
		}
		all, names = append(all, file), append(names, e.Name())
	}
	switch {
	case len(all) > 0 && len(all) == len(ofSplits):
		return ofSplits, nil
	case len(all) > 1:
		return nil, fmt.Errorf("the directory %s holds several files of records, %s: name the one that is meant", dir, quoted(names))
	case any:
		return all, nil
	}
	return all, nil
}
