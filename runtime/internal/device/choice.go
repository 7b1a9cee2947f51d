package device

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/loupe-vl/loupe/weights/option"
)

// The kinds of devices.
const (
	CPU  = "cpu"
	CUDA = "cuda"
)

// Choice is what somebody chose to compute on.
type Choice struct {
	Kind     string
	Ordinals []int // of the GPUs, as the driver counts them: the first layers go to the first
}

// Parse reads a choice: "" and "cpu" are the host, "cuda" the first GPU, "cuda:N" the Nth from 0 on, and "cuda:N,cuda:M" several. An
// error is an option's.
func Parse(text string) (Choice, error) {
	if !strings.Contains(text, ",") {
		return parseOne(text)
	}
	all := Choice{Kind: CUDA}
	for _, part := range strings.Split(text, ",") {
		c, err := parseOne(part)
		switch {
		case err != nil || part == "":
			return Choice{}, &option.Error{Field: "Options.Device", Value: text, Want: "give GPUs as cuda:0,cuda:1"}
		case c.Kind != CUDA:
			return Choice{}, &option.Error{Field: "Options.Device", Value: text, Want: "leave cpu out: what the GPUs do not take stays there"}
		case slices.Contains(all.Ordinals, c.Ordinals[0]):
			return Choice{}, &option.Error{Field: "Options.Device", Value: text, Fault: fmt.Sprintf("Options.Device names the GPU %d twice", c.Ordinals[0]), Want: "name it once"}
		}
		all.Ordinals = append(all.Ordinals, c.Ordinals[0])
	}
	return all, nil
}

// parseOne reads a choice of one device.
func parseOne(text string) (Choice, error) {
	switch text {
	case "", CPU:
		return Choice{Kind: CPU}, nil
	case CUDA:
		return Choice{Kind: CUDA, Ordinals: []int{0}}, nil
	}
	if number, is := strings.CutPrefix(text, CUDA+":"); is {
		if n, err := strconv.Atoi(number); err == nil && n >= 0 && n <= most && strconv.Itoa(n) == number {
			return Choice{Kind: CUDA, Ordinals: []int{n}}, nil
		}
	}
	return Choice{}, &option.Error{Field: "Options.Device", Value: text, Want: meant(text)}
}

// most is the largest number that a GPU may have.
const most = 1<<16 - 1

// forms are the texts that there are.
const forms = "use cpu, cuda (the first GPU), or cuda:N (the Nth, from 0 on, as nvidia-smi and CUDA_VISIBLE_DEVICES number them)"

// meant says what to give in place of a text that is none of them: first what was perhaps meant.
func meant(text string) string {
	plain := strings.ToLower(strings.TrimSpace(text))
	number := strings.TrimLeft(strings.TrimPrefix(strings.TrimPrefix(plain, CUDA), "gpu"), ":= ")
	n, err := strconv.Atoi(number)
	switch {
	case plain == CPU || plain == CUDA:
		return "write " + plain
	case err == nil && n >= 0 && n <= most:
		return "write " + CUDA + ":" + strconv.Itoa(n) + " for that GPU"
	case plain == "gpu":
		return "a GPU is cuda: " + forms
	case plain == "auto" || plain == "default":
		return "no device is chosen by itself: " + forms
	}
	return forms
}
