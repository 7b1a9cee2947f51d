package vit

import "github.com/loupe-vl/loupe/weights"

// Family is the tower of a model family: what it is made of, at the places where towers differ.
type Family struct {
	// PatchBias says that the patch embedding has a bias.
	PatchBias bool
	// Block loads the block whose tensors' names begin with path, "visual.blocks.7".
	Block func(p *weights.Params, path string, cfg weights.VisionConfig) Block
	// Merger loads the merger whose tensors' names begin with path, "visual.merger".
	Merger func(p *weights.Params, path string, cfg weights.VisionConfig) Merger
	// Segments gives the rows that attend to each other in each block, for the patches of grids, one grid after the other.
	// earlier are the grids of an earlier pass of the same request: segments are numbered on from its own.
	Segments func(cfg weights.VisionConfig, grids, earlier []Grid) func(block int) Segments
}
