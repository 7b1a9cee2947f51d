package weights

import (
	"fmt"
	"regexp"
	"strconv"
)

// HeadInput is what a score head reads: the output of one place of a tower. The
// zero value is the merger's, which is what the decoder reads of a picture too.
type HeadInput struct {
	From  HeadSource
	Layer int // the block of the vision tower where From is BlockOutput; else 0
}

// HeadSource is a place whose output a score head can read.
type HeadSource int

// The places.
const (
	MergerOutput HeadSource = iota // of the vision tower: (merged patches, width of the decoder)
	BlockOutput                    // of a block of the vision tower: (patches, width of the tower)
	NormOutput                     // of the decoder's last norm: (tokens, width of the decoder)
)

// The inputs of a head that are not of one block.
var (
	MergerInput = HeadInput{From: MergerOutput}
	NormInput   = HeadInput{From: NormOutput}
)

// BlockInput is the residual stream after block n of the vision tower, from 0.
func BlockInput(n int) HeadInput { return HeadInput{From: BlockOutput, Layer: n} }

// blockTap is the form of a block's tap, after the contract.
var blockTap = regexp.MustCompile(`^visual\.blocks\.(0|[1-9][0-9]{0,3})\.out$`)

// ParseHeadInput reads the name of a tap that a head may read: visual.merger,
// visual.blocks.N.out or model.norm.
func ParseHeadInput(tap string) (HeadInput, error) {
	for _, in := range []HeadInput{MergerInput, NormInput} {
		if tap == in.Tap() {
			return in, nil
		}
	}
	if m := blockTap.FindStringSubmatch(tap); m != nil {
		n, err := strconv.Atoi(m[1])
		return BlockInput(n), err
	}
	return HeadInput{}, fmt.Errorf("is %.80q; it must be visual.merger, visual.blocks.N.out or model.norm", tap)
}

// Tap is the name of the tap that the head reads.
func (i HeadInput) Tap() string {
	switch i.From {
	case BlockOutput:
		return "visual.blocks." + strconv.Itoa(i.Layer) + ".out"
	case NormOutput:
		return "model.norm"
	}
	return "visual.merger"
}

// FromTower reports whether the head reads rows of the vision tower: then the
// decoder has no part in a score.
func (i HeadInput) FromTower() bool { return i.From != NormOutput }

// Block is the block of the vision tower whose output the head reads; ok is
// false where it reads another place.
func (i HeadInput) Block() (n int, ok bool) { return i.Layer, i.From == BlockOutput }

// Width is the number of columns that the head reads in a model of this
// configuration. A block that the model does not have is an error.
func (i HeadInput) Width(c *Config) (int, error) {
	switch {
	case i.From == MergerOutput:
		return c.Vision.OutHiddenSize, nil
	case i.From == NormOutput:
		return c.Text.HiddenSize, nil
	case i.Layer >= 0 && i.Layer < c.Vision.Depth:
		return c.Vision.EmbedDim, nil
	}
	return 0, fmt.Errorf("input %q is not one that a head can read; visual.merger, visual.blocks.0.out to visual.blocks.%d.out and model.norm are", i.Tap(), c.Vision.Depth-1)
}

// MarshalText writes the name of the tap, as score_head.json has it.
func (i HeadInput) MarshalText() ([]byte, error) { return []byte(i.Tap()), nil }

// UnmarshalText is ParseHeadInput.
func (i *HeadInput) UnmarshalText(text []byte) (err error) {
	*i, err = ParseHeadInput(string(text))
	return err
}

// Pool is how a head makes one row of those that it reads.
type Pool string

// The ways to pool.
const (
	PoolMean Pool = "mean" // over all rows
	PoolLast Pool = "last" // the last row alone
)
