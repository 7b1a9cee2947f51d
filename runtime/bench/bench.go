package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/loupe-vl/loupe/kernels/peak"
	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/internal/host"
	"github.com/loupe-vl/loupe/vit/picture"
	"github.com/loupe-vl/loupe/weights/option"
)

// measurements are what can be measured, by the word that asks for it.
var measurements = []struct {
	word, what string
	run        func(ctx context.Context, m *loupe.Model, o Options) (measured, error)
}{
	{"prefill", "prefill", prefill},
	{"decode", "decode", decode},
	{"image", "image encode", encode},
	{"train", "lora train step", lora},
	{"batch", "decode of ", nil}, // once for each number of Options.Batch
}

// Words lists what Options.What may hold.
func Words() []string {
	var out []string
	for _, k := range measurements {
		out = append(out, k.word)
	}
	return out
}

// Options say what to measure and how long.
type Options struct {
	What   []string      // of Words; they are measured in the order of Words
	Tokens int           // of the prompt that prefill reads
	Image  picture.Image // that image encodes
	Batch  []int         // how many answers batch decodes side by side, one measurement for each
	Answer int           // tokens of the answer that train learns
	// Each is about how long each measurement is repeated, at least twice. The best time counts.
	Each time.Duration
	// Progress is told what is about to be measured; it may be nil.
	Progress func(what string)
}

// Validate refuses what cannot be measured, by an [option.Error].
func (o Options) Validate() error {
	if len(o.What) == 0 {
		return &option.Error{Field: "bench.Options.What", Fault: "bench.Options.What is empty", Want: "give one or more of " + strings.Join(Words(), ",")}
	}
	for _, w := range o.What {
		if !slices.Contains(Words(), w) {
			return &option.Error{Field: "bench.Options.What", Value: w, Fault: fmt.Sprintf("bench.Options.What %s is unknown", w), Want: "give one or more of " + strings.Join(Words(), ",")}
		}
	}
	switch {
	case o.Tokens < 1:
		return &option.Error{Field: "bench.Options.Tokens", Value: o.Tokens, Want: "give a number above 0"}
	case slices.Contains(o.What, "batch") && (len(o.Batch) == 0 || slices.Min(o.Batch) < 1 || slices.Max(o.Batch) > mostTogether):
		return &option.Error{Field: "bench.Options.Batch", Value: o.Batch, Want: fmt.Sprintf("give numbers from 1 to %d", mostTogether)}
	case slices.Contains(o.What, "train") && o.Answer < 1:
		return &option.Error{Field: "bench.Options.Answer", Value: o.Answer, Want: "give a number above 0"}
	case o.Each <= 0:
		return &option.Error{Field: "bench.Options.Each", Value: o.Each.Seconds(), Want: "give a number of seconds above 0"}
	}
	return nil
}

// mostTogether bounds Options.Batch.
const mostTogether = 1024

// Result is one measurement.
type Result struct {
	What       string  `json:"what"` // prefill, decode, image encode, lora train step or decode of N
	Precision  string  `json:"precision"`
	Threads    int     `json:"threads"`
	TokensPerS float64 `json:"tokens_per_s,omitempty"` // of prefill and decode
	S          float64 `json:"s,omitempty"`            // seconds, of the others
	GFLOPPerS  float64 `json:"gflop_per_s"`            // its Cost over the time
	GBPerS     float64 `json:"gb_per_s"`
	Limit      string  `json:"limit"`       // the machine's limit that applies: fp32_fma, bf16_dot, int8_dot or read; of a device bf16_mma and int8_mma
	LimitPerS  float64 `json:"limit_per_s"` // that limit, in GFLOP or GB a second
	OfLimit    float64 `json:"of_limit"`    // the fraction of it that is reached
	PeakRSSMB  float64 `json:"peak_rss_mb"` // peak memory during it, mapped weights included; 0: unknown
	// Device is the GPU that computed; nil: the processor.
	Device *loupe.DeviceInfo `json:"device,omitempty"`
	// PeakDeviceMB is the most of the device's memory that was allocated during it, weights included.
	PeakDeviceMB float64 `json:"peak_device_mb,omitempty"`
}

// measured is the best time of one measurement.
type measured struct {
	time   time.Duration
	tokens int // 0: its time is the figure
	cost   Cost
	peak   int64 // bytes of memory
	device int64 // bytes of a device's memory, at most
}

// Run measures. If only some could be measured it returns these with an error. The machine's own limits are measured before
// the first and after the last measurement, since other programs may run at any time.
func Run(ctx context.Context, m *loupe.Model, o Options) ([]Result, Limits, error) {
	if err := o.Validate(); err != nil {
		return nil, Limits{}, err
	}
	if most := m.Config.Text.MaxPositionEmbeddings; slices.Contains(o.What, "prefill") && o.Tokens >= most {
		return nil, Limits{}, &option.Error{Field: "bench.Options.Tokens", Value: o.Tokens, Fault: fmt.Sprintf("%d tokens do not fit the model's context of %d with one left for the answer", o.Tokens, most), Want: "lower bench.Options.Tokens"}
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	peaks, err := o.limits(ctx, m)
	if err != nil {
		return nil, peaks, err
	}
	type row struct {
		what string
		measured
	}
	var rows []row
	var failed error
	device, onDevice := gpuOf(m)
	for _, k := range o.wanted() {
		o.Progress(k.what)
		debug.FreeOSMemory() // so that what was measured before is not in the peak
		host.ResetPeakMemory()
		if onDevice {
			device.PeakMemory()
		}
		r, err := k.run(ctx, m, o)
		if ctx.Err() != nil {
			return nil, peaks, ctx.Err()
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", k.what, err))
			if m.DeviceErr() != nil {
				break // as the others would be
			}
			continue
		}
		if r.peak = host.PeakMemory(); onDevice {
			r.device = device.PeakMemory()
		}
		rows = append(rows, row{k.what, r})
	}
	if len(rows) == 0 {
		return nil, peaks, failed
	}
	if m.DeviceErr() == nil {
		again, err := o.limits(ctx, m)
		if err != nil {
			return nil, peaks, err
		}
		peaks = peaks.best(again)
	}
	var out []Result
	for _, r := range rows {
		one := result(r.what, m.Settings(), r.measured, peaks)
		if onDevice {
			one.Device, one.PeakDeviceMB = m.GPU(), float64(r.device>>20)
		}
		out = append(out, one)
	}
	return out, peaks, failed
}

// measurement is one that is wanted.
type measurement struct {
	what string
	run  func(ctx context.Context, m *loupe.Model, o Options) (measured, error)
}

// wanted are the measurements of Options.What.
func (o Options) wanted() (out []measurement) {
	for _, k := range measurements {
		switch {
		case !slices.Contains(o.What, k.word):
		case k.run != nil:
			out = append(out, measurement{k.what, k.run})
		default:
			for _, n := range o.Batch {
				out = append(out, measurement{k.what + strconv.Itoa(n), func(ctx context.Context, m *loupe.Model, o Options) (measured, error) {
					return decodeTogether(ctx, m, o, n)
				}})
			}
		}
	}
	return out
}

// limits measures the machine. The buffer that it reads is garbage when it returns.
func (o Options) limits(ctx context.Context, m *loupe.Model) (Limits, error) {
	o.Progress("the limits of the machine")
	window := min(o.Each/10, 300*time.Millisecond)
	if d, is := gpuOf(m); is {
		return deviceLimits(ctx, d, window)
	}
	// No cache holds a GiB. A short measurement needs no more than it can read.
	buffer := min(1<<30, max(64<<20, int64(window.Seconds()*100e9)))
	if free := host.AvailableMemory(); free > 0 {
		buffer = min(buffer, free/4)
	}
	p, err := peak.Measure(ctx, peak.Options{Threads: m.Settings().Threads, Buffer: int(buffer), Window: window})
	runtime.GC()
	return Limits{Peaks: p}, err
}

// result puts a time beside the limit that applies.
func result(what string, o loupe.Options, r measured, peaks Limits) Result {
	s := r.time.Seconds()
	out := Result{What: what, Precision: o.Precision, Threads: o.Threads, GFLOPPerS: r.cost.FLOP / s / 1e9, GBPerS: r.cost.Bytes / s / 1e9, PeakRSSMB: float64(r.peak >> 20)}
	if r.tokens > 0 {
		out.TokensPerS = float64(r.tokens) / s
	} else {
		out.S = s
	}
	if peaks.Device != nil {
		out.Limit, out.LimitPerS = deviceLimit(what, o.Precision, r.cost, peaks.Device)
	} else {
		out.Limit, out.LimitPerS = limit(what, o.Precision, peaks)
	}
	reached := out.GFLOPPerS
	if out.Limit == "read" {
		reached = out.GBPerS
	}
	if out.LimitPerS > 0 {
		out.OfLimit = reached / out.LimitPerS
	}
	return out
}

// limit is what bounds a measurement: reading the weights where each serves one token, else the arithmetic of the precision.
func limit(what, precision string, p Limits) (string, float64) {
	switch {
	case strings.HasPrefix(what, "decode"):
		return "read", p.Read
	case precision == "bf16" && p.BF16 > p.FMA:
		return "bf16_dot", p.BF16
	case (precision == "int8" || precision == "int4") && p.Int8 > 0:
		return "int8_dot", p.Int8
	}
	return "fp32_fma", p.FMA
}
