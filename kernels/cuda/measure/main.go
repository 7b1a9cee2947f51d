package main

import (
	"fmt"
	"os"
)

const usage = "measure collect DIR | measure page FILE.json PAGE.md | measure pictures DIR"

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 2 && args[0] == "collect":
		return collect(args[1])
	case len(args) == 3 && args[0] == "page":
		return writePage(args[1], args[2])
	case len(args) == 2 && args[0] == "pictures":
		return writePictures(args[1])
	}
	return fmt.Errorf("usage: %s", usage)
}
