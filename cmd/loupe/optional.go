package main

import (
	"fmt"
	"strconv"
)

// optionalFloat is a flag with a number that may be missing: nil is not 0.
type optionalFloat struct{ to **float64 }

// String is the number, "" for none.
func (o optionalFloat) String() string {
	if o.to == nil || *o.to == nil {
		return ""
	}
	return strconv.FormatFloat(**o.to, 'g', -1, 64)
}

// Set takes the number.
func (o optionalFloat) Set(text string) error {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return fmt.Errorf("%.80q is no number", text)
	}
	*o.to = &v
	return nil
}

// Type is the kind of the flag, for its help.
func (optionalFloat) Type() string { return "float" }

// optionalInt is a flag with a number that may be missing: nil is not 0.
type optionalInt struct{ to **int }

// String implements pflag.Value.
func (o optionalInt) String() string {
	if o.to == nil || *o.to == nil {
		return ""
	}
	return strconv.Itoa(**o.to)
}

// Set implements pflag.Value.
func (o optionalInt) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil {
		return fmt.Errorf("%q is no whole number", text)
	}
	*o.to = &n
	return nil
}

// Type implements pflag.Value.
func (optionalInt) Type() string { return "int" }
