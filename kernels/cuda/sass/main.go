package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
)

func main() {
	use := flag.String("use", "", "the kernels' `file` of registers and shared memory")
	arch := flag.Int("arch", 90, "compute capability, 90 for 9.0")
	kernels := flag.String("kernels", ".", "a regular `expression`: which kernels")
	least := flag.Int("least", 8, "show loops of at least so many `instructions`")
	flag.Parse()
	if err := run(os.Stdout, os.Stdin, *use, *arch, *kernels, *least); err != nil {
		fmt.Fprintln(os.Stderr, "sass:", err)
		os.Exit(1)
	}
}

func run(out io.Writer, listing io.Reader, use string, arch int, kernels string, least int) error {
	which, err := regexp.Compile(kernels)
	if err != nil {
		return fmt.Errorf("cannot read --kernels %q as a regular expression: %w", kernels, err)
	}
	used, err := readUse(use, arch)
	if err != nil {
		return err
	}
	found, err := parse(listing)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(out)
	for _, k := range found {
		if !which.MatchString(k.name) {
			continue
		}
		u := used[k.name]
		blocks := u.blocks(arch, k.threads)
		fmt.Fprintf(w, "%s: %d threads, %d registers, %d bytes shared, %d spilled: %d blocks, %d warps\n", k.name, k.threads, u.registers, u.shared, u.spilled, blocks, blocks*((k.threads+31)/32))
		for _, l := range k.loops() {
			if c := count(k.body[l.from : l.to+1]); c.sum >= least {
				fmt.Fprintf(w, "  %s%s\n", strings.Repeat("  ", l.depth), c)
			}
		}
	}
	return w.Flush()
}
