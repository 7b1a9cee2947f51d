// Package option is how an error names what a caller chose: by the field of the options that holds it, "Generation.Temperature".
// A front end puts its own name in that place, a flag or a key of a request, by Rename, and
// proposes what may have been meant by Nearest.
//
// May import: nothing of the module.
package option
