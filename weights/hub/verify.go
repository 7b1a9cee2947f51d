package hub

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"path/filepath"

	"github.com/loupe-vl/loupe/weights/disk"
)

// Verified is what Verify found.
type Verified struct {
	Dir   string
	Files int
	Bytes int64
	// Unnamed are files whose digest the cache does not have, since it has no links on this system.
	Unnamed []string
}

// Verify reads every file of a model in the cache and compares it with the digest in its blob's name. It does not use the
// network. The error names the first file that differs.
func (c *Cache) Verify(ctx context.Context, n Name, p Progress) (*Verified, error) {
	dir, err := c.Find(n)
	if err != nil {
		return nil, err
	}
	files, err := c.snapshot(dir)
	if err != nil {
		return nil, fmt.Errorf("verify %s: %w; `loupe pull %s` fetches what is missing", n, err, n)
	}
	var all int64
	for _, e := range files {
		all += e.Size
	}
	if p != nil {
		p.Begin(len(files), all)
	}
	out := &Verified{Dir: dir}
	for _, e := range files {
		sum := digestFor(e.OID, e.Size)
		if sum == nil {
			out.Unnamed = append(out.Unnamed, e.Path)
			continue
		}
		path := filepath.Join(dir, filepath.FromSlash(e.Path))
		f, _, err := disk.Open(path, 1<<62)
		if err != nil {
			return nil, err
		}
		buf := make([]byte, 1<<20)
		for err == nil {
			if err = ctx.Err(); err != nil {
				break
			}
			var k int
			k, err = f.Read(buf)
			sum.Write(buf[:k])
			if p != nil {
				p.Moved(int64(k))
			}
		}
		f.Close()
		if err != io.EOF {
			return nil, fmt.Errorf("verify %s: %w", n, err)
		}
		if got := hex.EncodeToString(sum.Sum(nil)); got != e.OID {
			return nil, fmt.Errorf("verify %s: %s has the digest %s, and its blob is named %s: it was damaged; remove the blob, and `loupe pull %s` fetches it again", n, e.Path, got, e.OID, n)
		}
		out.Files++
		out.Bytes += e.Size
	}
	return out, nil
}
