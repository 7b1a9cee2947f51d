package loupe

import (
	"io/fs"

	"github.com/loupe-vl/loupe/weights"
)

// Stored is a model as it lies on the disk, or in the program: its files and the tensors in them.
type Stored struct{ m *Model }

// Stored gives the files that the model was loaded from.
func (m *Model) Stored() Stored { return Stored{m} }

// Checkpoint is the model's tensors, for inspection.
func (s Stored) Checkpoint() *weights.Checkpoint { return s.m.checkpoint }

// Files are the files of the model's directory, or of the embedded checkpoint.
func (s Stored) Files() fs.FS { return s.m.files }

// PartFiles are the directories that the model was loaded from: its own, and those of an adapter and of a score head that lie
// elsewhere.
func (s Stored) PartFiles() []PartFile { return s.m.partFiles() }

// Unchanged is an error if a file of weights is no longer the one that was loaded. It is asked before and after what is computed of
// them.
func (s Stored) Unchanged() error { return s.m.unchanged() }

// TensorBytes is the size of the model's tensors as they are stored.
func (s Stored) TensorBytes() int64 { return s.m.tensorBytes() }

// WeightBytes is how many bytes the weights of one part take for each of its parameters, scales counted: "visual." or "model.",
// which has the logits with it.
func (s Stored) WeightBytes(part string) float64 { return s.m.weightBytes(part) }

// CopyBeside copies the files that go with a model's weights into dir; edit, if it is not nil, may change what they hold. The
// config.json of what is made of the embedded model says so; see Model.Notice.
func (s Stored) CopyBeside(dir string, edit func(name string, data []byte) ([]byte, error)) error {
	return s.m.copyBeside(dir, edit)
}
