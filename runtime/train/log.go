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

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/weights/disk"
)

// LogLine is one step as OUT/log.jsonl has it.
type LogLine struct {
	Step      int     `json:"step"` // from 0
	Loss      float64 `json:"loss"`
	LMLoss    float64 `json:"lm_loss"`
	ScoreLoss float64 `json:"score_loss"`
	RangeLoss float64 `json:"range_loss,omitempty"` // beside a rank loss: of outputs beyond their range
	LR        float64 `json:"lr"`
	GradNorm  float64 `json:"grad_norm"` // before clipping
	TokensPS  float64 `json:"tokens_per_s"`
	RSSBytes  uint64  `json:"rss_bytes"`
	// Device is what computed the step; nil: a CPU.
	Device *loupe.DeviceInfo `json:"device,omitempty"`
}

func (r *run) logPath() string   { return filepath.Join(r.o.Out, "log.jsonl") }
func (r *run) evalsPath() string { return filepath.Join(r.o.Out, "eval.jsonl") }

// writeLine appends a step or a measurement.
func writeLine(log io.Writer, line any) error {
	if err := json.NewEncoder(log).Encode(line); err != nil {
		return fmt.Errorf("write log: %w", err)
	}
	return nil
}

// openLogs opens the logs for appending. The lines of steps and measurements that the run is about to repeat are removed.
func (r *run) openLogs() (err error) {
	if r.log, err = openLog(r.logPath(), func(l LogLine) bool { return l.Step < r.opt.Steps }); err != nil {
		return err
	}
	if r.o.EvalEvery > 0 {
		r.evals, err = openLog(r.evalsPath(), func(l EvalLine) bool { return l.After <= r.best.Measured })
	}
	return err
}

func (r *run) closeLogs() {
	r.log.Close() // what matters was synced with the checkpoint
	if r.evals != nil {
		r.evals.Close()
	}
}

// openLog opens a file of lines for appending, and removes the lines that keep refuses.
func openLog[T any](path string, keep func(T) bool) (*os.File, error) {
	var kept bytes.Buffer
	lines, data, err := readLog(path, keep)
	if err != nil {
		return nil, err
	}
	for _, l := range lines {
		if err := writeLine(&kept, l); err != nil {
			return nil, err
		}
	}
	if !bytes.Equal(kept.Bytes(), data) {
		if err := disk.WriteFile(path, func(w io.Writer) error { _, err := w.Write(kept.Bytes()); return err }); err != nil {
			return nil, fmt.Errorf("write log: %w", err)
		}
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		return nil, fmt.Errorf("write log: %w", err)
	}
	return f, nil
}

// readLog returns the lines that keep accepts, and the whole file. A line that a killed run left half-written is ignored.
func readLog[T any](path string, keep func(T) bool) (lines []T, data []byte, err error) {
	data, err = disk.Read(path, disk.DataLimit)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("read log: %w", err)
	}
	scan := bufio.NewScanner(bytes.NewReader(data))
	for scan.Scan() {
		var l T
		if json.Unmarshal(scan.Bytes(), &l) == nil && keep(l) {
			lines = append(lines, l)
		}
	}
	return lines, data, scan.Err()
}
