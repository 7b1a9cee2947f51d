package hub

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/loupe-vl/loupe/weights/disk"
)

// partial ends the name of a file that is being fetched: huggingface_hub's suffix with a fixed number, so that the next
// process resumes where one was stopped. The blob's lock keeps two processes apart.
const partial = ".10000e00.incomplete"

// mostBytes is the largest file that the hub serves without Xet.
const mostBytes = 50_000_000_000

// digestFor is the hash by which a blob is named: SHA-256, or git's SHA-1, which begins with "blob SIZE\0". nil: the name
// is neither.
func digestFor(etag string, size int64) hash.Hash {
	if _, err := hex.DecodeString(etag); err != nil {
		return nil
	}
	switch len(etag) {
	case 2 * sha256.Size:
		return sha256.New()
	case 2 * sha1.Size:
		h := sha1.New()
		fmt.Fprintf(h, "blob %d\x00", size)
		return h
	}
	return nil
}

// fetching is one file on its way into the cache.
type fetching struct {
	c     *client
	at    *url.URL
	e     entry
	blob  string      // where it goes
	moved func(int64) // told how many more bytes there are; negative if the file starts over
	file  *os.File
	sum   hash.Hash
	done  int64
}

// fetch downloads a file to blob, resumes what an earlier process left, and checks the digest.
func (c *client) fetch(ctx context.Context, n Name, commit string, e entry, blob string, moved func(int64)) (err error) {
	f := &fetching{c: c, at: c.endpoint.JoinPath(append([]string{n.Repo, "resolve", commit}, strings.Split(e.Path, "/")...)...), e: e, blob: blob, moved: moved}
	if digestFor(e.etag(), e.bytes()) == nil {
		return fmt.Errorf("%s: the hub names it %q, which is no digest", e.Path, e.etag())
	}
	if f.file, err = os.OpenFile(blob+partial, os.O_RDWR|os.O_CREATE, 0o666); err != nil {
		return fmt.Errorf("%s: %w", e.Path, err)
	}
	defer f.file.Close()
	for again := range 2 {
		if err = f.goOn(); err == nil {
			err = f.receive(ctx)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", e.Path, err)
		}
		if hex.EncodeToString(f.sum.Sum(nil)) == e.etag() {
			return f.keep()
		}
		// What an earlier process left may be damaged: start over once.
		moved(-f.done)
		if err := f.file.Truncate(0); err != nil {
			return fmt.Errorf("%s: %w", e.Path, err)
		}
		if again == 1 {
			_ = os.Remove(blob + partial)
		}
	}
	return fmt.Errorf("%s: its bytes have not the digest %s that the hub says; something between changes them, or the hub is wrong", e.Path, e.etag())
}

// goOn feeds what is there already to the hash.
func (f *fetching) goOn() error {
	f.sum, f.done = digestFor(f.e.etag(), f.e.bytes()), 0
	info, err := f.file.Stat()
	if err != nil {
		return err
	}
	if info.Size() > f.e.bytes() {
		if err := f.file.Truncate(0); err != nil {
			return err
		}
	}
	if _, err := f.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	f.done, err = io.Copy(f.sum, f.file)
	f.moved(f.done)
	return err
}

// receive requests the missing bytes until all are there. It reconnects where a connection ended; only tries that bring
// nothing count.
func (f *fetching) receive(ctx context.Context) error {
	for idle := 0; f.done < f.e.bytes(); {
		before := f.done
		err := f.ask(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			continue
		case final(err):
			return err
		case f.done > before:
			idle = 0
		default:
			if idle++; idle == tries {
				return fmt.Errorf("%w; %d of %d bytes are there, and the next run goes on with them", err, f.done, f.e.bytes())
			}
		}
		if err := f.c.pause(ctx, backoff(idle+1, err)); err != nil {
			return err
		}
	}
	return nil
}

// errDisk marks an error of writing, which a retry does not mend.
var errDisk = errors.New("cannot be written")

// final reports whether a retry would give the same error.
func final(err error) bool {
	var no *HTTPError
	var refused *refusedRedirect
	if errors.As(err, &refused) || errors.Is(err, errDisk) {
		return true
	}
	if !errors.As(err, &no) || no.Status >= 500 || no.Status == http.StatusTooManyRequests || no.Status == http.StatusRequestTimeout {
		return false
	}
	return no.Status != http.StatusForbidden || no.Code != "" // a signed address that expired is renewed by asking again
}

// ask requests the rest once and keeps what comes.
func (f *fetching) ask(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	header := http.Header{}
	if f.done > 0 {
		header.Set("Range", fmt.Sprintf("bytes=%d-", f.done))
	}
	resp, err := f.c.once(ctx, http.MethodGet, f.at, header)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	from, err := f.begins(resp)
	if err != nil {
		return err
	}
	if from != f.done { // the server ignored the range
		f.moved(-f.done)
		f.sum, f.done = digestFor(f.e.etag(), f.e.bytes()), 0
		if err := f.file.Truncate(0); err != nil {
			return fmt.Errorf("%w: %w", errDisk, err)
		}
		if _, err := f.file.Seek(0, io.SeekStart); err != nil {
			return fmt.Errorf("%w: %w", errDisk, err)
		}
	}
	quiet := time.AfterFunc(silence, func() { cancel(errors.New("nothing came for half a minute")) })
	defer quiet.Stop()
	buf := make([]byte, 1<<18)
	for f.done < f.e.bytes() {
		n, err := resp.Body.Read(buf[:min(int64(len(buf)), f.e.bytes()-f.done)])
		if n > 0 {
			quiet.Reset(silence)
			if _, err := f.file.Write(buf[:n]); err != nil {
				return fmt.Errorf("%w: %w", errDisk, err)
			}
			f.sum.Write(buf[:n])
			f.done += int64(n)
			f.moved(int64(n))
		}
		if err != nil {
			if cause := context.Cause(ctx); cause != nil {
				return cause
			}
			if f.done < f.e.bytes() {
				return fmt.Errorf("the connection ended at byte %d of %d", f.done, f.e.bytes())
			}
		}
	}
	return nil
}

// begins is the byte that an answer begins with.
func (f *fetching) begins(resp *http.Response) (int64, error) {
	if resp.StatusCode != http.StatusPartialContent {
		if n := resp.ContentLength; n >= 0 && n != f.e.bytes() {
			return 0, fmt.Errorf("%s sends %d bytes, and the hub lists %d", resp.Request.URL.Host, n, f.e.bytes())
		}
		return 0, nil
	}
	text, ok := strings.CutPrefix(resp.Header.Get("Content-Range"), "bytes ")
	first, rest, _ := strings.Cut(text, "-")
	_, total, _ := strings.Cut(rest, "/")
	at, err := strconv.ParseInt(first, 10, 64)
	if !ok || err != nil || at != f.done || total != "*" && total != strconv.FormatInt(f.e.bytes(), 10) {
		return 0, fmt.Errorf("%s sends the range %q, and bytes from %d of %d were asked for", resp.Request.URL.Host, resp.Header.Get("Content-Range"), f.done, f.e.bytes())
	}
	return at, nil
}

// keep makes the whole file durable under its name.
func (f *fetching) keep() error {
	err := f.file.Sync()
	if closed := f.file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.blob+partial, f.blob)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", f.e.Path, err)
	}
	return disk.SyncDir(filepath.Dir(f.blob))
}

// link puts a blob at its place in a snapshot: by a relative link, or, where there are no links, by moving or copying the file.
func link(blob, pointer string) error {
	if err := os.MkdirAll(filepath.Dir(pointer), 0o777); err != nil {
		return err
	}
	target, err := filepath.Rel(filepath.Dir(pointer), blob)
	if err != nil {
		return err
	}
	if old, err := os.Readlink(pointer); err == nil && old == target {
		return nil
	}
	if err := os.Remove(pointer); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Symlink(target, pointer); err == nil || errors.Is(err, fs.ErrExist) {
		return nil
	}
	return disk.WriteFile(pointer, func(w io.Writer) error {
		in, _, err := disk.Open(blob, 1<<62)
		if err != nil {
			return err
		}
		defer in.Close()
		_, err = io.Copy(w, in)
		return err
	})
}
