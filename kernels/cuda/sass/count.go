package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
)

// counted is what some instructions are.
type counted struct {
	sum, math, stalls, banks int
	kinds                    map[string]int
}

// maths are the instructions that products are made of.
var maths = map[string]bool{"FFMA": true, "IDP": true, "IMMA": true, "HMMA": true}

// count counts instructions by kind.
func count(body []instruction) counted {
	c := counted{kinds: map[string]int{}}
	for _, i := range body {
		name, rest, _ := strings.Cut(i.op, ".")
		c.sum++
		c.stalls += i.stall
		switch {
		case maths[name]:
			c.math++
			if name == "FFMA" && oneBank(i) {
				c.banks++
			}
		case strings.HasPrefix(name, "LD") || strings.HasPrefix(name, "ST"):
			width := "32"
			for _, w := range []string{"128", "64", "U16", "S16", "U8", "S8"} {
				if slices.Contains(strings.Split(rest, "."), w) {
					width = strings.TrimLeft(w, "US")
					break
				}
			}
			name += "." + width
		}
		c.kinds[name]++
	}
	return c
}

// oneBank reports whether three different registers that are read lie in one bank: all even, or all odd.
func oneBank(i instruction) bool {
	var read []int
	for n, o := range i.operands[min(1, len(i.operands)):] {
		o = strings.TrimSuffix(strings.Trim(o, "-|~"), ".reuse")
		if r, err := strconv.Atoi(strings.TrimPrefix(o, "R")); err == nil && strings.HasPrefix(o, "R") && i.reuse>>n&1 == 0 && !slices.Contains(read, r) {
			read = append(read, r)
		}
	}
	return len(read) == 3 && read[0]%2 == read[1]%2 && read[1]%2 == read[2]%2
}

func (c counted) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "sum %d, math %.0f %%, stalls %d, banks %d:", c.sum, 100*float64(c.math)/float64(c.sum), c.stalls, c.banks)
	kinds := slices.SortedFunc(maps.Keys(c.kinds), func(a, b string) int {
		if d := c.kinds[b] - c.kinds[a]; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	for _, k := range kinds {
		fmt.Fprintf(&s, " %s %d", k, c.kinds[k])
	}
	return s.String()
}

// used is what a block of a kernel takes.
type used struct{ registers, shared, spilled int }

// readUse reads a file of ../gen.sh; "" is none.
func readUse(file string, arch int) (map[string]used, error) {
	out := map[string]used{}
	if file == "" {
		return out, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	for line := range bytes.Lines(text) {
		var name, sm string
		var u used
		if _, err := fmt.Sscanf(string(line), "%s %s registers %d shared %d spilled %d", &name, &sm, &u.registers, &u.shared, &u.spilled); err != nil {
			return nil, fmt.Errorf("cannot read the line %q of %s: %w", line, file, err)
		}
		if sm == fmt.Sprintf("sm_%d", arch) {
			out[name] = u
		}
	}
	return out, nil
}

// limits are the bytes of shared memory and the threads that a multiprocessor holds: CUDA C++ programming guide, compute capabilities.
var limits = map[int][2]int{80: {164 << 10, 2048}, 89: {100 << 10, 1536}, 90: {228 << 10, 2048}, 100: {228 << 10, 2048}, 120: {100 << 10, 1536}}

// blocks is how many blocks of so many threads a multiprocessor holds: 65536 registers, handed out to warps 256 at a time, and a kilobyte
// of shared memory beside what each block asks for.
func (u used) blocks(arch, threads int) int {
	l, known := limits[arch]
	if !known || threads == 0 || u.registers == 0 {
		return 0
	}
	warps := (threads + 31) / 32
	return min(32, l[0]/(u.shared+1024), l[1]/(32*warps), 65536/(((u.registers*32+255)/256*256)*warps))
}
