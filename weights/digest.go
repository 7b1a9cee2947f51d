package weights

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// SHA256 is the digest of the tensor's raw bytes, in hexadecimal. Name, type
// and shape are not in it: Digest binds them.
func (t Tensor) SHA256() string {
	sum := sha256.Sum256(t.Data)
	return hex.EncodeToString(sum[:])
}

// TensorDigest is one tensor's line in a checkpoint's digest.
type TensorDigest struct {
	Name   string `json:"name"`
	DType  DType  `json:"dtype"`
	Shape  []int  `json:"shape"`
	SHA256 string `json:"sha256"`
}

// String is the line that enters the checkpoint's digest: name, dtype, shape
// and digest, separated by single spaces: "model.norm.weight BF16 [64] 9f86...".
func (d TensorDigest) String() string {
	return fmt.Sprintf("%s %s %s %s", d.Name, d.DType, ShapeString(d.Shape), d.SHA256)
}

// Digests reads every tensor once and returns their digests in order of
// canonical name.
func (c *Checkpoint) Digests() []TensorDigest {
	tensors := c.Tensors()
	out := make([]TensorDigest, len(tensors))
	for i, t := range tensors {
		out[i] = TensorDigest{t.Name, t.DType, t.Shape, t.SHA256()}
	}
	return out
}

// Digest joins tensor digests, in the order of Digests, into one: the SHA-256
// of their lines, each ended by a newline. Since names are canonical it does
// not depend on how the tensors are named or split over files.
func Digest(tensors []TensorDigest) string {
	h := sha256.New()
	for _, d := range tensors {
		fmt.Fprintln(h, d) // a hash does not fail
	}
	return hex.EncodeToString(h.Sum(nil))
}
