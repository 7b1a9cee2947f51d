package main

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// instruction is one of a kernel.
type instruction struct {
	op       string   // with what follows its dots
	operands []string // the first is mostly where the result goes
	stall    int      // clocks to the next one
	reuse    int      // of which operands the value of the instruction before is used: bit 0 for the first source
	to       string   // of a branch: the label
}

// kernel is a kernel's instructions.
type kernel struct {
	name    string
	threads int
	body    []instruction
	labels  map[string]int // by the number of the instruction that follows
}

var (
	sectionLine = regexp.MustCompile(`^\.text\.(\S+):`)
	labelLine   = regexp.MustCompile(`^(\.L_\S+):`)
	codeLine    = regexp.MustCompile(`^\s*/\*[0-9a-f]{4,}\*/\s+(?:@\S+\s+)?([A-Z0-9_.]+)\s*(.*?)\s*;\s*/\* 0x[0-9a-f]{16} \*/`)
	hexLine     = regexp.MustCompile(`^\s*/\* 0x([0-9a-f]{16}) \*/`)
	infoLine    = regexp.MustCompile(`^\s*\.section\s+\.nv\.info\.([^,"\s]+)`)
	wordLine    = regexp.MustCompile(`\.word\s+0x([0-9a-f]+)`)
	toLabel     = regexp.MustCompile("`\\((\\.L_[^)]+)\\)")
)

// parse reads what nvdisasm -hex prints.
func parse(r io.Reader) ([]*kernel, error) {
	var out []*kernel
	var k *kernel
	threads, of, asked := map[string]int{}, "", false
	s := bufio.NewScanner(r)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		line := s.Text()
		if m := infoLine.FindStringSubmatch(line); m != nil {
			of, k = m[1], nil
			continue
		}
		if strings.Contains(line, "EIATTR_") { // of a kernel's information
			asked = strings.Contains(line, "EIATTR_MAX_THREADS")
			continue
		}
		if m := wordLine.FindStringSubmatch(line); m != nil && asked {
			n, err := strconv.ParseInt(m[1], 16, 32)
			if err != nil {
				return nil, fmt.Errorf("cannot read the threads of %s in %q", of, line)
			}
			threads[of], asked = int(n), false
			continue
		}
		if m := sectionLine.FindStringSubmatch(line); m != nil {
			k = &kernel{name: m[1], labels: map[string]int{}}
			out = append(out, k)
			continue
		}
		if k == nil {
			continue
		}
		if m := labelLine.FindStringSubmatch(line); m != nil {
			k.labels[m[1]] = len(k.body)
		} else if m := codeLine.FindStringSubmatch(line); m != nil {
			i := instruction{op: m[1], operands: strings.Split(strings.ReplaceAll(m[2], " ", ""), ",")}
			if to := toLabel.FindStringSubmatch(m[2]); to != nil && strings.HasPrefix(i.op, "BRA") {
				i.to = to[1]
			}
			k.body = append(k.body, i)
		} else if m := hexLine.FindStringSubmatch(line); m != nil && len(k.body) > 0 {
			word, _ := strconv.ParseUint(m[1], 16, 64)
			k.body[len(k.body)-1].stall = int(word >> 41 & 15)
			k.body[len(k.body)-1].reuse = int(word >> 58 & 15)
		}
	}
	for _, k := range out {
		k.threads = threads[k.name]
	}
	slices.SortFunc(out, func(a, b *kernel) int { return strings.Compare(a.name, b.name) })
	if len(out) == 0 && s.Err() == nil {
		return nil, fmt.Errorf("the listing has no kernel: it is not what nvdisasm -hex prints")
	}
	return out, s.Err()
}

// loop is the instructions from a label to the branch back to it.
type loop struct{ from, to, depth int }

// loops are a kernel's loops, an outer one before those in it.
func (k *kernel) loops() []loop {
	last := map[int]int{} // of each first instruction the farthest branch back
	for i, in := range k.body {
		if from, known := k.labels[in.to]; in.to != "" && known && from < i {
			last[from] = max(last[from], i)
		}
	}
	var out []loop
	for from, to := range last {
		out = append(out, loop{from: from, to: to})
	}
	slices.SortFunc(out, func(a, b loop) int { return a.from - b.from })
	for i := range out {
		for _, o := range out[:i] {
			if o.to >= out[i].to {
				out[i].depth++
			}
		}
	}
	return out
}
