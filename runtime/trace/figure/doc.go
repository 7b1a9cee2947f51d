// Package figure draws maps over pictures: the picture as the model saw it, cells of the true grid in the colors of a
// perceptually uniform scale whose numbers are written beside it, one map or many small ones. Cells have hard edges, as they
// have in the model; smoothing is for who asks for it.
//
// May import: runtime/trace/attribution, runtime, vit, vit/picture, weights.
package figure
