package hub

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/loupe-vl/loupe/weights/disk"
)

// Cache is huggingface_hub's cache on this machine.
type Cache struct {
	Dir string
	// Getenv reads the environment; nil: os.Getenv.
	Getenv func(string) string
}

// DefaultCache is the cache of huggingface_hub: HF_HUB_CACHE (formerly HUGGINGFACE_HUB_CACHE), else HF_HOME/hub, else
// XDG_CACHE_HOME/huggingface/hub, else ~/.cache/huggingface/hub.
func DefaultCache() (*Cache, error) { return cacheOf(os.Getenv) }

func cacheOf(getenv func(string) string) (*Cache, error) {
	c := &Cache{Getenv: getenv}
	for _, name := range []string{"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"} {
		if dir := getenv(name); dir != "" {
			c.Dir = expand(dir, getenv)
			return c, nil
		}
	}
	home, err := hfHome(getenv)
	c.Dir = filepath.Join(home, "hub")
	return c, err
}

// hfHome is HF_HOME or its default.
func hfHome(getenv func(string) string) (string, error) {
	if dir := getenv("HF_HOME"); dir != "" {
		return expand(dir, getenv), nil
	}
	if dir := getenv("XDG_CACHE_HOME"); dir != "" {
		return filepath.Join(expand(dir, getenv), "huggingface"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find the cache of models: %w; set HF_HUB_CACHE", err)
	}
	return filepath.Join(home, ".cache", "huggingface"), nil
}

// expand expands ~ and $NAME in a path from the environment, as Python does.
func expand(path string, getenv func(string) string) string {
	path = os.Expand(path, getenv)
	if rest, ok := strings.CutPrefix(path, "~"); ok && (rest == "" || rest[0] == '/' || rest[0] == filepath.Separator) {
		if home, err := os.UserHomeDir(); err == nil {
			path = home + rest
		}
	}
	return path
}

func (c *Cache) getenv(name string) string {
	if c.Getenv != nil {
		return c.Getenv(name)
	}
	return os.Getenv(name)
}

// on reports whether a variable of the environment is true, as huggingface_hub reads it.
func (c *Cache) on(name string) bool {
	switch strings.ToUpper(c.getenv(name)) {
	case "1", "ON", "YES", "TRUE":
		return true
	}
	return false
}

// Offline reports whether the environment forbids asking the network.
func (c *Cache) Offline() bool { return c.on("HF_HUB_OFFLINE") || c.on("TRANSFORMERS_OFFLINE") }

func (c *Cache) repo(n Name) string { return filepath.Join(c.Dir, n.folder()) }

// commit is the commit of a revision when it was last looked up.
func (c *Cache) commit(n Name) (string, error) {
	if commitForm.MatchString(n.Revision) {
		return n.Revision, nil
	}
	data, err := disk.Read(filepath.Join(c.repo(n), "refs", filepath.FromSlash(n.Revision)), 4096)
	if err == nil {
		commit := strings.TrimSpace(string(data))
		if !commitForm.MatchString(commit) {
			return "", fmt.Errorf("the cache says that %s is %q, which is no commit; `loupe pull %s` writes it again", n, commit, n)
		}
		return commit, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	return c.shortCommit(n)
}

// shortCommit finds a commit by its first characters.
func (c *Cache) shortCommit(n Name) (string, error) {
	entries, err := os.ReadDir(filepath.Join(c.repo(n), "snapshots"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	found := ""
	for _, e := range entries {
		if len(n.Revision) >= 7 && strings.HasPrefix(e.Name(), n.Revision) && commitForm.MatchString(e.Name()) {
			if found != "" {
				return "", fmt.Errorf("model %s: several commits in the cache begin with %s; write more of it", n.Repo, n.Revision)
			}
			found = e.Name()
		}
	}
	if found == "" {
		return "", fs.ErrNotExist
	}
	return found, nil
}

// Find is the directory of a model in the cache. If it is not there, the error says how to fetch it.
func (c *Cache) Find(n Name) (string, error) {
	commit, err := c.commit(n)
	if err == nil {
		dir := filepath.Join(c.repo(n), "snapshots", commit)
		if disk.IsDir(dir) {
			return dir, nil
		}
		err = fs.ErrNotExist
	}
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("model %s is neither a directory here nor in the cache %s; `loupe pull %s` fetches it", n, c.Dir, n)
	}
	return "", fmt.Errorf("find model %s in the cache: %w", n, err)
}

// Resolve is the directory of a model, given by its path or by its name on the hub; the latter is looked up in the cache.
func Resolve(model string) (string, error) {
	if model == "" {
		return model, nil
	}
	if _, err := os.Stat(model); err == nil || !Like(model) {
		return model, nil // opening the path says what is wrong with it
	}
	n, err := Parse(model)
	if err != nil {
		return "", err
	}
	c, err := DefaultCache()
	if err != nil {
		return "", err
	}
	return c.Find(n)
}
