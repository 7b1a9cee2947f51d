package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/loupe-vl/loupe/weights/disk"
)

// Progress is told of the progress of a Pull.
type Progress interface {
	// Begin is called once the number of missing bytes and files is known.
	Begin(files int, bytes int64)
	// Moved is called with the bytes that have come; negative if a file starts over.
	Moved(bytes int64)
	// Note is called with a sentence for the user.
	Note(text string)
}

// Pulled is the result of a Pull.
type Pulled struct {
	Dir     string // the snapshot: a directory as Load takes it
	Commit  string
	Files   int
	Fetched int   // files that were not there before
	Bytes   int64 // of these
}

// Pull downloads the files that a model needs to the cache, and returns their directory. Files that are there are not
// fetched again, partial files of an earlier run are resumed, and several processes may pull at once. Offline it only
// checks that all files are there.
func (c *Cache) Pull(ctx context.Context, n Name, p Progress) (*Pulled, error) {
	if c.Offline() {
		return c.offline(n)
	}
	client, err := newClient(c.getenv)
	if err != nil {
		return nil, err
	}
	out, err := c.pull(ctx, client, n, p)
	if err != nil {
		return nil, fmt.Errorf("pull %s: %w", n, client.explain(n, err))
	}
	return out, nil
}

func (c *Cache) pull(ctx context.Context, client *client, n Name, p Progress) (*Pulled, error) {
	commit, err := client.lookUp(ctx, n)
	if err != nil {
		return nil, err
	}
	list, err := client.list(ctx, n, commit)
	if err != nil {
		return nil, err
	}
	files, sharded, err := wanted(list)
	if err != nil {
		return nil, err
	}
	for _, dir := range []string{"blobs", "refs", "snapshots"} {
		if err := os.MkdirAll(filepath.Join(c.repo(n), dir), 0o777); err != nil {
			return nil, c.readOnly(err)
		}
	}
	c.tag()
	out := &Pulled{Dir: filepath.Join(c.repo(n), "snapshots", commit), Commit: commit}
	job := &pulling{c: c, client: client, n: n, p: p, out: out}
	if sharded { // the index says which shards there are, and so how much there is to fetch
		at := slices.IndexFunc(files, func(e entry) bool { return e.Path == indexFile })
		job.quiet = true
		if err := job.bring(ctx, files[at]); err != nil {
			return nil, err
		}
		job.quiet = false
		index, err := disk.Read(filepath.Join(out.Dir, indexFile), disk.JSONLimit)
		if err != nil {
			return nil, err
		}
		more, err := shards(index, list)
		if err != nil {
			return nil, err
		}
		files = append(slices.Delete(files, at, at+1), more...)
		out.Files++
	}
	if err := job.room(files); err != nil {
		return nil, err
	}
	for _, e := range files {
		if err := job.bring(ctx, e); err != nil {
			return nil, err
		}
	}
	out.Files += len(files)
	if n.Revision != commit {
		ref := filepath.Join(c.repo(n), "refs", filepath.FromSlash(n.Revision))
		if err := os.MkdirAll(filepath.Dir(ref), 0o777); err != nil {
			return nil, err
		}
		if old, err := os.ReadFile(ref); err != nil || string(old) != commit {
			if err := disk.WriteFile(ref, func(w io.Writer) error { _, err := io.WriteString(w, commit); return err }); err != nil {
				return nil, c.readOnly(err)
			}
		}
	}
	return out, nil
}

// pulling is one Pull under way.
type pulling struct {
	c      *Cache
	client *client
	n      Name
	p      Progress
	out    *Pulled
	quiet  bool // the file is not part of the announced bytes
}

func (j *pulling) blob(e entry) string { return filepath.Join(j.c.repo(j.n), "blobs", e.etag()) }

// room checks that the disk has space for what is missing, and announces it.
func (j *pulling) room(files []entry) error {
	var missing, need int64
	count := 0
	seen := map[string]bool{}
	for _, e := range files {
		if e.bytes() > mostBytes {
			return fmt.Errorf("%s has %.0f GB, and files above 50 GB come by the Xet protocol alone; fetch it by `hf download %s`, and loupe finds it", e.Path, float64(e.bytes())/1e9, j.n.Repo)
		}
		if seen[e.etag()] || j.there(e) {
			continue
		}
		seen[e.etag()] = true
		count++
		missing += e.bytes()
		need += e.bytes()
		if info, err := os.Stat(j.blob(e) + partial); err == nil {
			need -= min(info.Size(), e.bytes())
		}
	}
	if free := disk.Free(j.c.repo(j.n)); free > 0 && need > free {
		return fmt.Errorf("%.2f GB are to be fetched, and the disk of %s has %.2f GB left; make room, or set HF_HUB_CACHE to another one", float64(need)/1e9, j.c.Dir, float64(free)/1e9)
	}
	if j.p != nil {
		j.p.Begin(count, missing)
	}
	return nil
}

// there reports whether a file is in the cache with all its bytes.
func (j *pulling) there(e entry) bool {
	info, err := os.Stat(j.blob(e)) // through links into a store that repositories share
	if err != nil {
		info, err = os.Stat(filepath.Join(j.out.Dir, filepath.FromSlash(e.Path))) // without links, the snapshot has the file itself
	}
	return err == nil && info.Size() == e.bytes()
}

// bring fetches one file and links it into the snapshot.
func (j *pulling) bring(ctx context.Context, e entry) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	pointer := filepath.Join(j.out.Dir, filepath.FromSlash(e.Path))
	if info, err := os.Stat(pointer); err == nil && info.Size() == e.bytes() && j.names(pointer, e) {
		return nil
	}
	locks := filepath.Join(j.c.Dir, ".locks", j.n.folder())
	if err := os.MkdirAll(locks, 0o777); err != nil {
		return j.c.readOnly(err)
	}
	release, err := disk.WaitLock(ctx, filepath.Join(locks, e.etag()+".lock"), func() {
		j.note(fmt.Sprintf("%s is being fetched by another process; waiting for it", e.Path))
	})
	if err != nil {
		return err
	}
	defer release()
	if !j.there(e) {
		if info, err := os.Lstat(j.blob(e)); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			if err := os.Remove(j.blob(e)); err != nil { // a link to what is gone from the store; what it links to is not ours
				return err
			}
		}
		moved := func(n int64) {
			if j.p != nil && !j.quiet {
				j.p.Moved(n)
			}
		}
		if err := j.client.fetch(ctx, j.n, j.out.Commit, e, j.blob(e), moved); err != nil {
			return err
		}
		j.out.Fetched++
		j.out.Bytes += e.bytes()
	}
	if _, err := os.Stat(j.blob(e)); err != nil {
		return nil // without links the file itself is in the snapshot
	}
	return link(j.blob(e), pointer)
}

// names reports whether a snapshot's file is the one that the hub lists, by the name of the blob that it links to.
func (j *pulling) names(pointer string, e entry) bool {
	target, err := os.Readlink(pointer)
	return err != nil || filepath.Base(target) == e.etag()
}

func (j *pulling) note(text string) {
	if j.p != nil {
		j.p.Note(text)
	}
}

// readOnly says what to do about a cache that cannot be written.
func (c *Cache) readOnly(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w; the cache cannot be written: set HF_HUB_CACHE to a directory of yours", err)
	}
	return err
}

// tag marks the directory as a cache, so that backups skip it (bford.info/cachedir).
func (c *Cache) tag() {
	path := filepath.Join(c.Dir, "CACHEDIR.TAG")
	if _, err := os.Lstat(path); err == nil {
		return
	}
	// A cache works without the tag.
	_ = os.WriteFile(path, []byte("Signature: 8a477f597d28d172789f06886806bc55\n# This file is a cache directory tag.\n"), 0o666)
}

// offline checks that all files that a model needs are in the cache.
func (c *Cache) offline(n Name) (*Pulled, error) {
	dir, err := c.Find(n)
	if err != nil {
		return nil, fmt.Errorf("%w; HF_HUB_OFFLINE forbids to fetch it", err)
	}
	files, err := c.snapshot(dir)
	if err != nil {
		return nil, fmt.Errorf("pull %s: %w; HF_HUB_OFFLINE forbids to fetch it", n, err)
	}
	return &Pulled{Dir: dir, Commit: filepath.Base(dir), Files: len(files)}, nil
}

// snapshot lists the files of a snapshot that a model needs. A missing file is an error.
func (c *Cache) snapshot(dir string) ([]entry, error) {
	var list []entry
	err := filepath.WalkDir(dir, func(at string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, at)
		if err != nil {
			return err
		}
		info, err := os.Stat(at)
		if err != nil {
			return fmt.Errorf("%s: what it links to is gone", rel)
		}
		e := entry{Path: filepath.ToSlash(rel), Type: "file", Size: info.Size()}
		if target, err := os.Readlink(at); err == nil {
			e.OID = filepath.Base(target)
		}
		list = append(list, e)
		return nil
	})
	if err != nil {
		return nil, err
	}
	files, sharded, err := wanted(list)
	if err != nil {
		return nil, err
	}
	if sharded {
		index, err := disk.Read(filepath.Join(dir, indexFile), disk.JSONLimit)
		if err != nil {
			return nil, err
		}
		more, err := shards(index, list)
		if err != nil {
			return nil, fmt.Errorf("%s", strings.Replace(err.Error(), "which the repository does not hold", "which is not in the cache", 1))
		}
		files = append(files, more...)
	}
	return files, nil
}
