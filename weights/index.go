package weights

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/loupe-vl/loupe/weights/disk"
)

// shardIndex is model.safetensors.index.json: stored tensor name to shard.
type shardIndex map[string]string

func parseIndex(data []byte) (shardIndex, error) {
	obj, err := parseBounded(data, maxIndexValues)
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

func (d dirStore) list() ([]string, error) {
	entries, err := os.ReadDir(string(d))
	return namesOf(entries), err
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
