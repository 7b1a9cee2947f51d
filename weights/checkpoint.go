package weights

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
)

// The file names of a checkpoint, as Hugging Face ships them.
const (
	SingleName = "model.safetensors"
	IndexName  = "model.safetensors.index.json"
)

// Checkpoint is a model's tensors from one safetensors file or several, under
// canonical names (see CanonicalName). Lookups are safe for concurrent use.
// It remembers which tensors were asked for, so that a loader can refuse what
// the model has no place for.
type Checkpoint struct {
	dir     string
	files   []*File
	tensors map[string]Tensor
	absent  map[string]string // listed by the index and not there: what is said where it is needed

	Notes []string // which of two files is used
	// Quantization is config.json's, for checkpoints that need it to be read. It is set before linear maps are loaded.
	Quantization *Quantization

	mu   sync.Mutex
	used map[string]bool
}

// OpenCheckpoint maps the checkpoint in the directory dir: model.safetensors,
// or the shards that model.safetensors.index.json lists. Tensors must lie where
// the index puts them, and it may name only files in dir itself.
func OpenCheckpoint(dir string) (*Checkpoint, error) {
	return openCheckpoint(dir, dirStore(dir))
}

// OpenCheckpointFS is OpenCheckpoint within a file system, such as an embedded
// one. The files are read into memory.
func OpenCheckpointFS(fsys fs.FS, dir string) (*Checkpoint, error) {
	return openCheckpoint(dir, fsStore{fsys, dir})
}

// OpenCheckpointFile maps one safetensors file of any name as a checkpoint: a
// score head, an adapter.
func OpenCheckpointFile(file string) (*Checkpoint, error) {
	f, err := Open(file)
	if err != nil {
		return nil, fmt.Errorf("open weights: %w", err)
	}
	return assemble(filepath.Dir(file), []*File{f})
}

func openCheckpoint(dir string, s store) (*Checkpoint, error) {
	f, err := findFiles(s)
	if err != nil {
		return nil, fmt.Errorf("open checkpoint %s: %w", dir, err)
	}
	c, err := assemble(dir, f.files)
	if err != nil {
		return nil, err
	}
	c.Notes = f.notes
	for name, says := range f.absent {
		c.absent[CanonicalName(name)] = says
	}
	return c, nil
}

// assemble joins the files' tensors under canonical names.
func assemble(dir string, files []*File) (*Checkpoint, error) {
	c := &Checkpoint{dir: dir, files: files, tensors: map[string]Tensor{}, used: map[string]bool{}, absent: map[string]string{}}
	for _, f := range files {
		for _, t := range f.Tensors() {
			t.Name = CanonicalName(t.Stored)
			if other, twice := c.tensors[t.Name]; twice {
				c.Close()
				return nil, fmt.Errorf("checkpoint %s: %q in %s and %q in %s are the same tensor; remove one", dir, other.Stored, other.File, t.Stored, t.File)
			}
			c.tensors[t.Name] = t
		}
	}
	return c, nil
}

// Tensor returns the tensor of that canonical name and counts it as used. Where
// a shape is given it must match; -1 matches any size. Its type must be one
// that the model computes with (F32, F16, BF16). Errors name the tensor, its
// file, and what was found and wanted.
func (c *Checkpoint) Tensor(name string, shape ...int) (Tensor, error) {
	t, ok := c.tensors[name]
	if !ok && c.absent[name] != "" {
		return Tensor{}, errors.New(c.absent[name])
	}
	if !ok && name == "lm_head.weight" {
		return Tensor{}, fmt.Errorf("tensor %q is missing from %s, and config.json does not say that it is tied to the embedding: set tie_word_embeddings to true if the model was trained so, or download the checkpoint again", name, c.where())
	}
	if !ok {
		return Tensor{}, fmt.Errorf("tensor %q is missing from %s; download the checkpoint again, or check that its config.json belongs to it", name, c.where())
	}
	if err := matchShape(t, shape); err != nil {
		return Tensor{}, err
	}
	if !t.DType.IsModelFloat() {
		return Tensor{}, fmt.Errorf("%s: tensor %q has dtype %s, but F32, F16 or BF16 is needed; quantized checkpoints are not read here", t.File, t.Stored, t.DType)
	}
	c.mu.Lock()
	c.used[name] = true
	c.mu.Unlock()
	return t, nil
}

func (c *Checkpoint) where() string {
	if len(c.files) == 1 {
		return c.files[0].Path()
	}
	return fmt.Sprintf("the %d shards in %s", len(c.files), c.dir)
}

// Release takes the pages of a tensor's map out of the program's memory, where nothing but the system's file cache needs them
// any more: its data was made into something else. It can still be read.
func (c *Checkpoint) Release(name string) {
	t := c.tensors[name]
	for _, f := range c.files {
		if f.data != nil && f.Path() == t.File {
			forget(t.Data)
		}
	}
}

// Has reports whether there is a tensor of that canonical name, without
// counting it as used.
func (c *Checkpoint) Has(name string) bool {
	_, ok := c.tensors[name]
	return ok
}

// Names lists the canonical names in alphabetical order.
func (c *Checkpoint) Names() []string {
	names := make([]string, 0, len(c.tensors))
	for name := range c.tensors {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// Tensors lists every tensor by canonical name in alphabetical order, without
// counting any as used.
func (c *Checkpoint) Tensors() []Tensor {
	names := c.Names()
	out := make([]Tensor, len(names))
	for i, name := range names {
		out[i] = c.tensors[name]
	}
	return out
}

// Unused lists, in alphabetical order, the canonical names that Tensor was
// never asked for: the extra tensors, once a model is loaded.
func (c *Checkpoint) Unused() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var names []string
	for name := range c.tensors {
		if !c.used[name] {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}

// RequireAllUsed is an error that names the tensors which were never asked for,
// the first few of them, and their file; nil where there are none. Leftovers
// are passed over, and so is an lm_head that an index lists and the shard of a
// tied model does not hold.
func (c *Checkpoint) RequireAllUsed() error {
	for _, name := range sortedKeys(c.absent) {
		if name != "lm_head.weight" && !Leftover(name) {
			return errors.New(c.absent[name])
		}
	}
	extra := slices.DeleteFunc(c.Unused(), Leftover)
	if len(extra) == 0 {
		return nil
	}
	t := c.tensors[extra[0]]
	more := ""
	if len(extra) > 1 {
		more = fmt.Sprintf(" and %d more (%s)", len(extra)-1, strings.Join(extra[1:min(len(extra), 4)], ", "))
	}
	if head := strings.TrimPrefix(t.Stored, "module."); len(extra) == 1 && (head == "score.weight" || head == "classifier.weight") || strings.HasPrefix(head, "v_head.") {
		return fmt.Errorf("%s: tensor %q%s is the head of a classifier or of a value model (a task of the kind seq_cls), which reads the last token; loupe computes no score by it: remove it to run the rest of the model, and teach a score head with `loupe train`", t.File, t.Stored, more)
	}
	return fmt.Errorf("%s: tensor %q%s has no place in the model; does the checkpoint belong to this config.json?", t.File, t.Stored, more)
}

// Files lists the paths of the checkpoint's safetensors files, in order of name.
func (c *Checkpoint) Files() []string {
	names := make([]string, len(c.files))
	for i, f := range c.files {
		names[i] = f.Path()
	}
	return names
}

// Unchanged is an error that names a file which is no longer the one that was
// mapped; see File.Unchanged.
func (c *Checkpoint) Unchanged() error {
	for _, f := range c.files {
		if err := f.Unchanged(); err != nil {
			return err
		}
	}
	return nil
}

// Metadata is the __metadata__ map of the first file, nil where there is none.
func (c *Checkpoint) Metadata() map[string]string { return c.files[0].Metadata() }

// Dir is the directory that the checkpoint was opened from.
func (c *Checkpoint) Dir() string { return c.dir }

// Close unmaps every file; no tensor of the checkpoint may be used afterwards.
func (c *Checkpoint) Close() error {
	var errs []error
	for _, f := range c.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// store is where a checkpoint's files lie: a directory, or part of an fs.FS.
type store interface {
	check() error
	path(name string) string
	exists(name string) bool
	read(name string) ([]byte, error)
	open(name string) (*File, error)
	list() ([]string, error) // the names of its files
}

type fsStore struct {
	fsys fs.FS
	dir  string
}

func (s fsStore) path(name string) string { return path.Join(s.dir, name) }

func (s fsStore) check() error {
	_, err := fs.Stat(s.fsys, path.Clean(s.dir))
	return err
}

func (s fsStore) exists(name string) bool {
	_, err := fs.Stat(s.fsys, s.path(name))
	return err == nil
}

func (s fsStore) read(name string) ([]byte, error) { return fs.ReadFile(s.fsys, s.path(name)) }

func (s fsStore) open(name string) (*File, error) {
	data, err := s.read(name)
	if err != nil {
		return nil, err
	}
	return NewFile(s.path(name), data)
}

func (s fsStore) list() ([]string, error) {
	entries, err := fs.ReadDir(s.fsys, path.Clean(s.dir))
	return namesOf(entries), err
}

func namesOf(entries []fs.DirEntry) (names []string) {
	for _, e := range entries {
		if !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}
