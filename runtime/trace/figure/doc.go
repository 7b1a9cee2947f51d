// Package figure draws maps over pictures: the picture as the model saw it, with the cells of its grid in a perceptually
// uniform color map, and a scale with numbers. It draws one map or many small ones. Cells have hard edges, as in the model,
// unless smoothing is asked for.
//
// May import: runtime/trace/attribution, runtime, vit, vit/picture, weights.
package figure
