package weights

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/loupe-vl/loupe/weights/disk"
)

// shardIndex is model.safetensors.index.json: stored tensor name to shard.
type shardIndex map[string]string

func parseIndex(data []byte) (shardIndex, error) {
	obj, err := parseObject(data)
	if err != nil {
		return nil, err
	}
	m, ok := obj["weight_map"].(object)
	if !ok {
		return nil, fmt.Errorf("weight_map is %s, not an object", kindOf(obj["weight_map"]))
	}
	if len(m) == 0 {
		return nil, errors.New("weight_map is empty")
	}
	index := make(shardIndex, len(m))
	for _, name := range sortedKeys(m) {
		file, ok := m[name].(string)
		if !ok {
			return nil, fmt.Errorf("weight_map: the shard of %q is %s, not a string", name, kindOf(m[name]))
		}
		if !plainName(file) {
			return nil, fmt.Errorf("weight_map puts %q in %.200q: a shard must be a plain .safetensors file name within the model directory", name, file)
		}
		index[name] = file
	}
	return index, nil
}

// plainName accepts file names that cannot lead out of a directory on any
// system, whichever one this is.
func plainName(file string) bool {
	return filepath.IsLocal(file) && !strings.ContainsAny(file, "/\\:\x00") && strings.HasSuffix(file, ".safetensors")
}

func (x shardIndex) names(file string) bool {
	for _, f := range x {
		if f == file {
			return true
		}
	}
	return false
}

// open opens every shard and makes sure that the index and the shards list the
// same tensors in the same places.
func (x shardIndex) open(s store) (files []*File, err error) {
	defer func() {
		if err != nil {
			for _, f := range files {
				_ = f.Close() // what went wrong first is what matters
			}
			files = nil
		}
	}()
	shards := map[string]string{} // file -> a tensor it should hold
	for name, file := range x {
		if first, ok := shards[file]; !ok || name < first {
			shards[file] = name
		}
	}
	opened := map[string]*File{}
	for _, file := range sortedKeys(shards) {
		f, err := s.open(file)
		if errors.Is(err, fs.ErrNotExist) {
			return files, fmt.Errorf("shard %s is missing (%s puts tensor %q in it); download it", s.path(file), IndexName, shards[file])
		}
		if err != nil {
			return files, err
		}
		files = append(files, f)
		opened[file] = f
		for _, t := range f.Tensors() {
			if x[t.Name] == "" {
				return files, fmt.Errorf("%s holds tensor %q, which %s does not list; download both again", f.Path(), t.Name, IndexName)
			}
			if x[t.Name] != file {
				return files, fmt.Errorf("%s holds tensor %q, which %s puts in %s; download both again", f.Path(), t.Name, IndexName, x[t.Name])
			}
		}
	}
	for _, name := range sortedKeys(x) {
		f := opened[x[name]]
		if _, ok := f.index[name]; !ok {
			return files, fmt.Errorf("%s puts tensor %q in %s, which does not hold it; download the shard again", IndexName, name, f.Path())
		}
	}
	return files, nil
}

// dirStore is a checkpoint directory on disk.
type dirStore string

func (d dirStore) path(name string) string { return filepath.Join(string(d), name) }

func (d dirStore) check() error {
	info, err := os.Stat(string(d))
	if err == nil && !info.IsDir() {
		return errors.New("it is a file where a model directory is needed")
	}
	return err
}

func (d dirStore) exists(name string) bool {
	_, err := os.Lstat(d.path(name))
	return err == nil
}

func (d dirStore) read(name string) ([]byte, error) { return disk.Read(d.path(name), disk.JSONLimit) }

func (d dirStore) open(name string) (*File, error) { return Open(d.path(name)) }

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
