package train

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/loupe-vl/loupe/weights"
)

func (r *run) logPath() string { return filepath.Join(r.o.Out, "log.jsonl") }

// writeLine appends a step.
func writeLine(log io.Writer, line *LogLine) error {
	if err := json.NewEncoder(log).Encode(line); err != nil {
		return fmt.Errorf("write log: %w", err)
	}
	return nil
}

// openLog opens OUT/log.jsonl for appending, without the steps that the run is about to take again.
func (r *run) openLog() (*os.File, error) {
	data, err := os.ReadFile(r.logPath())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read log: %w", err)
	}
	var kept bytes.Buffer
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		var l LogLine
		if json.Unmarshal(lines.Bytes(), &l) == nil && l.Step < r.opt.Steps {
			kept.Write(append(lines.Bytes(), '\n'))
		}
	}
	if !bytes.Equal(kept.Bytes(), data) {
		if err := weights.WriteFileAtomic(r.logPath(), func(w io.Writer) error { _, err := w.Write(kept.Bytes()); return err }); err != nil {
			return nil, fmt.Errorf("write log: %w", err)
		}
	}
	f, err := os.OpenFile(r.logPath(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		return nil, fmt.Errorf("write log: %w", err)
	}
	return f, nil
}
