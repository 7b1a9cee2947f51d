package loupe

import "github.com/loupe-vl/loupe/weights/option"

// OptionError refuses an option that cannot be meant, that does not go with another, or that is missing: Field names it as Go does,
// "Generation.Temperature", Value is what it was, and Want says what to give. errors.As finds it in what this package and those
// below it return. A front end that has names of its own puts them in the place of Go's, as the command line does with its flags.
type OptionError = option.Error
