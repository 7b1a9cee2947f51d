package disk

import (
	"context"
	"fmt"
	"io"
	"os"
)

// Limits of files that are read whole, in bytes. Mapped files have no limit.
const (
	// JSONLimit is for JSON, templates and the like; the published tokenizer.json has 7 MB.
	JSONLimit = 64 << 20
	// PictureLimit is that of a picture or an animation: about 90 million pixels that are not compressed.
	PictureLimit = 256 << 20
	// DataLimit is for lists and tables of records.
	DataLimit = 256 << 20
)

// piece is the number of bytes read between two looks at the context.
const piece = 1 << 20

// Read is ReadContext without a context.
func Read(path string, limit int64) ([]byte, error) {
	return ReadContext(context.Background(), path, limit)
}

// ReadContext reads a whole regular file of at most limit bytes; see Open for what is refused. A file that grows meanwhile is
// read to the limit at most and then refused. It returns soon after ctx ends, even where the file system does not answer; the
// error is then that of ctx.
func ReadContext(ctx context.Context, path string, limit int64) ([]byte, error) {
	return Await(ctx, func() ([]byte, error) { return read(ctx, path, limit) })
}

// Await runs f, and returns ctx's error if ctx ends first. f then runs on by itself, and must not touch what its caller
// still uses. It is for work that cannot be stopped: a file system that does not answer, a long parse.
func Await[T any](ctx context.Context, f func() (T, error)) (T, error) {
	var none T
	if err := ctx.Err(); err != nil {
		return none, err
	}
	if ctx.Done() == nil {
		return f()
	}
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1) // f can leave its result and end even if nobody waits
	go func() {
		value, err := f()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

func read(ctx context.Context, path string, limit int64) ([]byte, error) {
	f, size, err := Open(path, limit)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ReadAll(ctx, f, path, size, limit)
}

// ReadAll reads r to its end, at most limit bytes; size is how many are expected, 0 where that is not known. name stands for r
// in errors. When ctx ends it stops between two pieces.
func ReadAll(ctx context.Context, r io.Reader, name string, size, limit int64) ([]byte, error) {
	data := make([]byte, 0, min(size, limit)+1) // one more, to see that it ends
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if len(data) == cap(data) {
			data = append(data, 0)[:len(data)]
		}
		n, err := r.Read(data[len(data):min(cap(data), len(data)+piece, int(limit)+1)])
		data = data[:len(data)+n]
		if int64(len(data)) > limit {
			return nil, fmt.Errorf("%s has more than %d bytes, the limit for such a file; check that it is the file that you mean", name, limit)
		}
		if err == io.EOF {
			return data, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
	}
}

// IsDir reports whether path is a directory.
func IsDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
