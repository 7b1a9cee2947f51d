package weights

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math"

	"github.com/loupe-vl/loupe/weights/disk"
)

// ReadConfig reads and checks a config.json. See ParseConfig.
func ReadConfig(path string) (*Config, error) {
	data, err := disk.Read(path, disk.JSONLimit)
	if err != nil {
		return nil, fmt.Errorf("read config: %w", err)
	}
	return ParseConfig(path, data)
}

// ReadScoreHead reads and checks a score_head.json. The error of a file that
// does not exist is fs.ErrNotExist.
func ReadScoreHead(path string) (*ScoreHeadConfig, error) {
	data, err := disk.Read(path, disk.JSONLimit)
	if err != nil {
		return nil, fmt.Errorf("read score head: %w", err)
	}
	return ParseScoreHead(path, data)
}

// WriteNpz writes the tensors as an .npz file, atomically.
func WriteNpz(path string, tensors []Named) error {
	z, err := NewNpzWriter(path)
	if err != nil {
		return err
	}
	defer z.Abort()
	for _, t := range tensors {
		if err := z.AddNamed(t); err != nil {
			return err
		}
	}
	return z.Close()
}

// FileSHA256 is the digest of a file's bytes, in hexadecimal, and its length.
func FileSHA256(path string) (digest string, size int64, err error) {
	f, _, err := disk.Open(path, math.MaxInt64)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	h := sha256.New()
	if size, err = io.Copy(h, f); err != nil {
		return "", 0, fmt.Errorf("read %s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), size, nil
}
