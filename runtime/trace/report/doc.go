// Package report writes what attribution and lens found to files: pictures, tables, tensors for notebooks, and one page of
// HTML that holds a whole analysis and needs nothing else.
//
// May import: runtime/trace and its packages attribution, lens and figure, runtime, vit, vit/picture, weights.
package report
