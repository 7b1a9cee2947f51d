package loupe

import (
	"io/fs"

	"github.com/loupe-vl/loupe/weights"
	"github.com/loupe-vl/loupe/weights/disk"
)

// ArithmeticVersion is the number of the arithmetic in which results are computed. It is raised whenever a bit of any result in
// any precision changes, so that a record of a decision says which release replays it. TestArithmeticVersion holds it to digests.
const ArithmeticVersion = 1

// PartFile is a directory of files that make a loaded model, its adapter or its score head.
type PartFile struct {
	Part       string // "model", "adapter" or "head"
	Name       string // its directory; "embedded" for the model that is part of the program
	Dir        string // "" for the embedded model
	Files      fs.FS
	Checkpoint *weights.Checkpoint // its tensors
}

// partFiles are the directories that the model was loaded from: its own, and those of an adapter and of a score head that lie
// elsewhere.
func (m *Model) partFiles() []PartFile {
	out := []PartFile{{"model", m.Name(), m.Dir, m.files, m.checkpoint}}
	if dir := m.options.Adapter; dir != "" {
		out = append(out, PartFile{"adapter", dir, dir, disk.FS(dir), m.adapterFile})
	}
	if dir := m.options.headDir(); dir != "" && dir != m.options.Adapter {
		out = append(out, PartFile{"head", dir, dir, disk.FS(dir), m.headFile})
	}
	return out
}
