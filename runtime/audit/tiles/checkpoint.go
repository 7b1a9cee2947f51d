package tiles

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Checkpoint is a signed statement of what a log holds (C2SP tlog-checkpoint).
type Checkpoint struct {
	Origin string
	Tree   tlog.Tree // size and root
	Note   *note.Note
}

// checkpointText is the text that is signed: the origin, the size and the root, a line each.
func checkpointText(origin string, tree tlog.Tree) string {
	return fmt.Sprintf("%s\n%d\n%s\n", origin, tree.N, base64.StdEncoding.EncodeToString(tree.Hash[:]))
}

// ParseCheckpoint reads a checkpoint that one of the keys must have signed. A bad signature of a known key is an error too.
func ParseCheckpoint(signed []byte, keys note.Verifiers) (Checkpoint, error) {
	n, err := note.Open(signed, keys)
	if err != nil {
		var unknown *note.UnverifiedNoteError
		if errors.As(err, &unknown) {
			return Checkpoint{}, fmt.Errorf("checkpoint: none of the keys that are trusted here has signed it; give the log's public key")
		}
		return Checkpoint{}, fmt.Errorf("checkpoint: %w; it was changed after it was signed, or is no checkpoint", err)
	}
	c, err := parseCheckpointText(n.Text)
	c.Note = n
	return c, err
}

func parseCheckpointText(text string) (Checkpoint, error) {
	lines := strings.Split(text, "\n")
	if len(lines) < 4 || lines[0] == "" {
		return Checkpoint{}, errors.New("checkpoint: it does not begin with the lines of an origin, a size and a root")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return Checkpoint{}, fmt.Errorf("checkpoint: its second line %q is no size", lines[1])
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return Checkpoint{}, fmt.Errorf("checkpoint: its third line %q is no root hash", lines[2])
	}
	c := Checkpoint{Origin: lines[0], Tree: tlog.Tree{N: size}}
	copy(c.Tree.Hash[:], root)
	return c, nil
}
