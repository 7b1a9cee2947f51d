package weights

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// found is what a model directory holds of weights.
type found struct {
	files  []*File
	absent map[string]string // what an index puts into a shard that does not hold it: stored name to shard
	notes  []string
}

func (f *found) close() {
	for _, x := range f.files {
		_ = x.Close() // what went wrong first is what matters
	}
}

// findFiles opens the weights of a directory as transformers does: the one file
// of the published name, else the shards that an index lists. Where there is
// neither, but one variant (model.fp16.safetensors), that is meant.
func findFiles(s store) (*found, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	single, index := SingleName, IndexName
	out := &found{}
	if !s.exists(single) && !s.exists(index) {
		var err error
		if single, index, err = variant(s); err != nil {
			return nil, err
		}
		if index != numbered {
			out.notes = append(out.notes, fmt.Sprintf("%s: the weights are a variant's, %s%s", s.path("."), single, index))
		}
	}
	data, err := s.read(index)
	if errors.Is(err, fs.ErrNotExist) && index == numbered {
		return findNumbered(s, out)
	}
	listed := err == nil
	if err != nil && (!errors.Is(err, fs.ErrNotExist) && index != "") {
		return nil, err
	}
	if single != "" && s.exists(single) {
		where, err := parseIndex(data)
		if listed && err != nil { // it is not used, but whoever wrote it meant something else than what lies here
			return nil, fmt.Errorf("%s: %w; %s is beside it: remove the one that is wrong", s.path(index), err, single)
		}
		f, err := s.open(single)
		if err != nil {
			return nil, err
		}
		out.files = []*File{f}
		if listed && !where.names(single) {
			out.notes = append(out.notes, fmt.Sprintf("%s is used, and not the shards of %s, which lies beside it, as transformers does; remove the one that is stale", s.path(single), index))
		}
		return out, nil
	}
	where, err := parseIndex(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.path(index), err)
	}
	if err := where.open(s, index, out); err != nil {
		out.close()
		return nil, err
	}
	return out, nil
}

// shardName is the name of a shard: its number, and how many there are.
var shardName = regexp.MustCompile(`^model-(\d{5})-of-(\d{5})\.safetensors$`)

// numbered stands for the index of shards that have none.
const numbered = "(none)"

// findNumbered opens shards whose index was not saved with them: their names
// say whether all are there.
func findNumbered(s store, out *found) (*found, error) {
	names, err := s.list()
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	var shards []string
	of := ""
	for _, name := range names {
		if m := shardName.FindStringSubmatch(name); m != nil {
			if of == "" {
				of = m[2]
			}
			if m[2] != of {
				return nil, fmt.Errorf("it holds no %s, and shards of several checkpoints (%s, %s); remove those that are stale", IndexName, shards[0], name)
			}
			shards = append(shards, name)
		}
	}
	if n, _ := strconv.Atoi(of); n != len(shards) {
		return nil, fmt.Errorf("it holds no %s, and %d of %d shards; download the others, and the index", IndexName, len(shards), n)
	}
	for _, name := range shards {
		f, err := s.open(name)
		if err != nil {
			out.close()
			return nil, err
		}
		out.files = append(out.files, f)
	}
	out.notes = append(out.notes, fmt.Sprintf("%s: there is no %s; the %d shards are used by their numbers", s.path("."), IndexName, len(shards)))
	return out, nil
}

// variant finds the one variant of a directory that holds weights under no
// other name: its file, or its index ("" for the one that it has not).
func variant(s store) (single, index string, err error) {
	names, err := s.list()
	if err != nil {
		return "", "", err
	}
	var singles, indexes, other []string
	for _, name := range names {
		middle, cut := strings.CutPrefix(name, "model.")
		switch {
		case cut && strings.HasPrefix(middle, "safetensors.index.") && strings.HasSuffix(middle, ".json"):
			indexes = append(indexes, name)
		case cut && strings.HasSuffix(middle, ".safetensors") && !strings.Contains(middle, "-of-"):
			singles = append(singles, name)
		case strings.HasSuffix(name, ".bin"), strings.HasSuffix(name, ".safetensors"), strings.HasSuffix(name, ".gguf"), strings.HasSuffix(name, ".pth"), strings.HasSuffix(name, ".pt"):
			other = append(other, name)
		}
	}
	switch {
	case len(singles)+len(indexes) == 0 && slices.ContainsFunc(other, func(name string) bool { return shardName.MatchString(name) }):
		return "", numbered, nil
	case len(singles)+len(indexes) == 1:
		return strings.Join(singles, ""), strings.Join(indexes, ""), nil
	case len(singles)+len(indexes) > 1:
		return "", "", fmt.Errorf("it holds several variants of the weights (%s) and no %s; rename the one that is meant", strings.Join(append(singles, indexes...), ", "), SingleName)
	case slices.Contains(other, AdapterWeightsName):
		return "", "", fmt.Errorf("it holds an adapter (%s) and no %s; give the model to loupe.Load and this directory in Options.Adapter", AdapterWeightsName, SingleName)
	case len(other) > 0:
		return "", "", fmt.Errorf("it holds neither %s nor %s, but %s; loupe.Load takes weights as transformers saves them: save the model again with save_pretrained", SingleName, IndexName, strings.Join(other[:min(len(other), 3)], ", "))
	}
	return "", "", fmt.Errorf("it holds neither %s nor %s; loupe.Load takes a directory as Hugging Face ships it", SingleName, IndexName)
}

// open opens every shard. A tensor must lie where the index puts it, if it
// lists it at all: transformers reads whole shards, and so do we. What is
// listed and not there is remembered, since it may be a leftover.
func (x shardIndex) open(s store, index string, out *found) error {
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
			return fmt.Errorf("shard %s is missing (%s puts tensor %q in it); download it", s.path(file), index, shards[file])
		}
		if err != nil {
			return err
		}
		out.files = append(out.files, f)
		opened[file] = f
		for _, t := range f.Tensors() {
			if where := x[t.Name]; where != "" && where != file {
				return fmt.Errorf("%s holds tensor %q, which %s puts in %s; download both again", f.Path(), t.Name, index, where)
			}
		}
	}
	out.absent = map[string]string{}
	for _, name := range sortedKeys(x) {
		f := opened[x[name]]
		if _, ok := f.index[name]; !ok {
			out.absent[name] = fmt.Sprintf("%s puts tensor %q in %s, which does not hold it; download the shard again", index, name, f.Path())
		}
	}
	return nil
}

// Leftover reports whether a tensor is one that older versions wrote beside the
// weights and that no model reads: frequencies of rotary embeddings, which are
// computed from the configuration.
func Leftover(name string) bool {
	return strings.HasSuffix(name, "rotary_emb.inv_freq") || strings.HasSuffix(name, "rotary_pos_emb.inv_freq") || strings.HasSuffix(name, "rotary_emb.original_inv_freq") ||
		strings.HasSuffix(name, "rotary_pos_emb.original_inv_freq")
}
