package audit

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/loupe-vl/loupe/runtime/audit/tiles"
	"github.com/loupe-vl/loupe/weights/disk"
	"golang.org/x/mod/sumdb/note"
)

// witnessedName is the folder of checkpoints that witnesses signed: SIZE.checkpoint.
const witnessedName = "witnessed"

// witnessKeys is the file of the witnesses' public keys, one a line.
const witnessKeys = "witness-keys.txt"

// witnessTimeout bounds a question to a witness.
const witnessTimeout = 30 * time.Second

// Witness asks a witness to sign that it saw the log's checkpoint and none that contradicts it (C2SP tlog-witness). From
// then on the log cannot be rewritten without the witness. url is the prefix that `add-checkpoint` follows, and key its
// public key. The signed checkpoint is kept beside the log. It returns the size that was signed.
func (a *Archive) Witness(ctx context.Context, url, key string) (int64, error) {
	w, err := tiles.ParseWitness(key)
	if err != nil {
		return 0, err
	}
	old, err := a.lastWitnessed(w)
	if err != nil {
		return 0, err
	}
	lines, err := a.ask(ctx, url, old)
	if err != nil {
		return 0, fmt.Errorf("witness %s: %w", url, err)
	}
	signed := tiles.AddSignatures(a.Log.Signed, lines)
	c, err := tiles.ParseCheckpoint(signed, a.with(w))
	if err != nil {
		return 0, fmt.Errorf("witness %s: its answer is no signature of this checkpoint by %s", url, w.Name())
	}
	if _, ok := c.CosignedAt(w); !ok {
		return 0, fmt.Errorf("witness %s: it did not sign as %s", url, w.Name())
	}
	return c.Tree.N, a.keepWitnessed(w, c.Tree.N, signed)
}

// keepWitnessed keeps a cosigned checkpoint, together with the signatures of other witnesses.
func (a *Archive) keepWitnessed(w *tiles.Witness, size int64, signed []byte) error {
	path := filepath.Join(a.Dir, witnessedName, fmt.Sprintf("%d.checkpoint", size))
	if before, err := disk.Read(path, 1<<16); err == nil {
		for line := range strings.Lines(string(before)) {
			if strings.HasPrefix(line, "— ") && !bytes.Contains(signed, []byte(line)) {
				signed = append(signed, line...)
			}
		}
	}
	files := []disk.BatchFile{{Path: path, Data: signed}}
	keys, err := a.witnesses()
	if err != nil {
		return err
	}
	text := ""
	for _, k := range keys {
		if k.Text == w.Text {
			return disk.WriteBatch(a.Dir, files)
		}
		text += k.Text + "\n"
	}
	return disk.WriteBatch(a.Dir, append(files, disk.BatchFile{Path: filepath.Join(a.Dir, keysName, witnessKeys), Data: []byte(text + w.Text + "\n")}))
}

// witnesses are the keys of the witnesses that signed before.
func (a *Archive) witnesses() ([]*tiles.Witness, error) {
	data, err := disk.Read(filepath.Join(a.Dir, keysName, witnessKeys), 1<<20)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []*tiles.Witness
	for line := range strings.Lines(string(data)) {
		w, err := tiles.ParseWitness(line)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Join(a.Dir, keysName, witnessKeys), err)
		}
		out = append(out, w)
	}
	return out, nil
}

// with are the log's keys and those of witnesses.
func (a *Archive) with(more ...*tiles.Witness) note.Verifiers {
	var list []note.Verifier
	seen := map[string]bool{}
	for _, k := range a.all() {
		if !seen[k.Text] {
			list = append(list, k.verifier)
		}
		seen[k.Text] = true
	}
	for _, w := range more {
		list = append(list, w)
	}
	return note.VerifierList(list...)
}

// ask sends the checkpoint, and the proof that it extends the size old, which the witness saw last. If the witness saw
// another size it says which, and is asked once more.
func (a *Archive) ask(ctx context.Context, url string, old int64) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, witnessTimeout)
	defer cancel()
	for try := 0; ; try++ {
		var body bytes.Buffer
		fmt.Fprintf(&body, "old %d\n", old)
		if old > 0 && old < a.Size() {
			proof, err := a.Log.ProveSince(old)
			if err != nil {
				return nil, err
			}
			for _, h := range proof {
				fmt.Fprintln(&body, base64.StdEncoding.EncodeToString(h[:]))
			}
		}
		body.WriteByte('\n')
		body.Write(a.Log.Signed)
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(url, "/")+"/add-checkpoint", &body)
		if err != nil {
			return nil, err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return nil, fmt.Errorf("it cannot be reached: %w", err)
		}
		answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
		resp.Body.Close()
		if err != nil {
			return nil, err
		}
		switch resp.StatusCode {
		case http.StatusOK:
			var lines []string
			for line := range strings.Lines(string(answer)) {
				if line = strings.TrimSuffix(line, "\n"); line != "" {
					lines = append(lines, line)
				}
			}
			return lines, nil
		case http.StatusConflict:
			n, err := strconv.ParseInt(strings.TrimSpace(string(answer)), 10, 64)
			if err != nil || try > 0 {
				return nil, fmt.Errorf("it saw another size of this log than %d: %s", old, shorten(string(answer)))
			}
			if n > a.Size() {
				return nil, fmt.Errorf("it saw %d entries of this log, which now has %d: entries were cut off", n, a.Size())
			}
			old = n
		case http.StatusUnprocessableEntity:
			return nil, fmt.Errorf("the first %d entries of this log are not those that it saw: the log was rewritten", old)
		case http.StatusNotFound:
			return nil, fmt.Errorf("it does not know the log %q; ask whoever runs it to add the log's public key", a.Log.Checkpoint.Origin)
		default:
			return nil, fmt.Errorf("it answered %s: %s", resp.Status, shorten(string(answer)))
		}
	}
}

// lastWitnessed is the size that a witness signed last, 0 for none.
func (a *Archive) lastWitnessed(w *tiles.Witness) (size int64, err error) {
	err = a.eachWitnessed(func(n int64, signed []byte) error {
		c, err := tiles.ParseCheckpoint(signed, a.with(w))
		if err != nil {
			return err
		}
		if _, ok := c.CosignedAt(w); ok {
			size = max(size, n)
		}
		return nil
	})
	return size, err
}

// eachWitnessed calls f with every cosigned checkpoint that is kept.
func (a *Archive) eachWitnessed(f func(size int64, signed []byte) error) error {
	dir := filepath.Join(a.Dir, witnessedName)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		n, err := strconv.ParseInt(strings.TrimSuffix(e.Name(), ".checkpoint"), 10, 64)
		if err != nil {
			return fmt.Errorf("%s is no checkpoint that a witness signed: its name is no size", filepath.Join(dir, e.Name()))
		}
		signed, err := disk.Read(filepath.Join(dir, e.Name()), 1<<16)
		if err != nil {
			return err
		}
		if err := f(n, signed); err != nil {
			return fmt.Errorf("%s: %w", filepath.Join(dir, e.Name()), err)
		}
	}
	return nil
}

// checkWitnessed checks that the log still begins with all that witnesses signed, and counts the checkpoints.
func (a *Archive) checkWitnessed(c *Checked) error {
	keys, err := a.witnesses()
	if err != nil {
		return err
	}
	return a.eachWitnessed(func(n int64, signed []byte) error {
		old, err := tiles.ParseCheckpoint(signed, a.with(keys...))
		if err != nil {
			return err
		}
		by := 0
		for _, w := range keys {
			if _, ok := old.CosignedAt(w); ok {
				by++
			}
		}
		if by == 0 || old.Tree.N != n || len(old.Note.UnverifiedSigs) > 0 {
			return fmt.Errorf("it is not signed by the log and a witness at the size %d: it was changed", n)
		}
		c.Witnessed = max(c.Witnessed, n)
		return a.Log.Since(old)
	})
}
