package device

import (
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
	Ordinals []int // of a GPU: one, as the driver counts them
}

// Parse reads a choice: "" and "cpu" are the host, "cuda" the first GPU, and "cuda:N" the Nth from 0 on. An error is an option's.
func Parse(text string) (Choice, error) {
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
	case strings.Contains(plain, ","):
		return "give one device: " + forms
	case err == nil && n >= 0 && n <= most:
		return "write " + CUDA + ":" + strconv.Itoa(n) + " for that GPU"
	case plain == "gpu":
		return "a GPU is cuda: " + forms
	case plain == "auto" || plain == "default":
		return "no device is chosen by itself: " + forms
	}
	return forms
}
