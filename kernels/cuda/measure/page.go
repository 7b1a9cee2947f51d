package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
)

// The lines of a page between which the GPU's part stands.
const (
	pageBegin = "<!-- GPU: written by `go run ./kernels/cuda/measure page FILE docs/performance.md` -->"
	pageEnd   = "<!-- end of GPU -->"
)

// Nothing is what the page says before anything was measured.
const nothing = "Nothing of this has run on a GPU: what `kernels/cuda/measure.sh` measures there stands here once somebody has run it (see [cuda.md](cuda.md)).\n"

// writePage puts the part that is made from file, or what is said without one where file is "-", between the lines of page.
func writePage(file, page string) error {
	part := nothing
	if file != "-" {
		m, err := readMeasurement(file)
		if err != nil {
			return err
		}
		if part, err = pageOf(m); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	before, rest, there := strings.Cut(string(text), pageBegin+"\n")
	_, after, ends := strings.Cut(rest, pageEnd+"\n")
	if !there || !ends {
		return fmt.Errorf("%s has no lines %q and %q; put them where the GPU's part is to stand", page, pageBegin, pageEnd)
	}
	return os.WriteFile(page, []byte(before+pageBegin+"\n\n"+part+"\n"+pageEnd+"\n"+after), 0o644)
}

// device is what bench says of the device and what it can do.
type device struct {
	What, Device, Arch, Driver, Library string
	MemoryMB                            float64 `json:"memory_mb"`
	Peaks                               map[string]float64
	OrderCost                           []struct {
		Cols, Steps int
		WrittenS    float64 `json:"written_s"`
		FreeS       float64 `json:"free_s"`
	} `json:"order_cost"`
}

// result is a line of bench or of peer_torch.py.
type result struct {
	What, Precision, Peer, DType string
	TokensPerS                   float64 `json:"tokens_per_s"`
	S                            float64
	Limit                        string
	LimitPerS                    float64 `json:"limit_per_s"`
	OfLimit                      float64 `json:"of_limit"`
	PeakDeviceMB                 float64 `json:"peak_device_mb"`
}

// goals are what issue and page ask of an H200: the part of the limit.
var goals = map[string]float64{
	"exact prefill": 0.75, "exact image encode": 0.60, "exact decode": 0.60,
	"int8 decode": 0.75, "int4 decode": 0.60, "bf16-mma prefill": 0.45, "bf16-mma decode": 0.80,
}

// pageOf is the page of a measurement. One that no GPU made is refused: nobody may take it for one.
func pageOf(m *Measurement) (string, error) {
	var d *device
	var rows, peers []result
	for _, p := range m.Parts {
		for _, raw := range p.Results {
			var kind struct{ What, Peer string }
			if json.Unmarshal(raw, &kind) != nil {
				continue
			}
			switch {
			case kind.What == "device":
				one := new(device)
				if err := json.Unmarshal(raw, one); err != nil {
					return "", fmt.Errorf("part %s: %w", p.Name, err)
				}
				if d = better(d, one); one.Library != "" {
					return "", fmt.Errorf("part %s was computed by the driver library %s, which is not the system's: no GPU need have run anything, so there is no page of it", p.Name, one.Library)
				}
			case strings.HasPrefix(p.Name, "bench") || strings.HasPrefix(p.Name, "train") || kind.Peer != "":
				var r result
				if err := json.Unmarshal(raw, &r); err != nil {
					return "", fmt.Errorf("part %s: %w", p.Name, err)
				}
				if r.Peer != "" {
					peers = append(peers, r)
				} else if r.Limit != "" {
					rows = append(rows, r)
				}
			}
		}
	}
	if d == nil {
		return "", fmt.Errorf("no part says which device it ran on; measure on a machine with a GPU")
	}
	var out strings.Builder
	fmt.Fprintf(&out, "%s (%s, %.0f MB, driver for CUDA %s), measured %s by `kernels/cuda/measure.sh`, built from %s.\n\n", d.Device, d.Arch, d.MemoryMB, d.Driver, m.Began, m.Built)
	checks(&out, m)
	peaks(&out, d)
	speeds(&out, rows, peers)
	order(&out, d, rows)
	return out.String(), nil
}

// better is the device with the higher peaks: noise makes a machine slower.
func better(a, b *device) *device {
	if a == nil {
		return b
	}
	for name, v := range a.Peaks {
		if w, there := b.Peaks[name]; !there || v > w != strings.HasPrefix(name, "launch") {
			b.Peaks[name] = v
		}
	}
	if b.OrderCost == nil || len(a.OrderCost) > 0 && a.OrderCost[0].Cols > b.OrderCost[0].Cols {
		b.OrderCost = a.OrderCost
	}
	return b
}

// checks lists what was compared, and how it went: everything, whatever the outcome.
func checks(out *strings.Builder, m *Measurement) {
	fmt.Fprint(out, "| part | outcome | found | seconds |\n|---|---|---|---|\n")
	for _, p := range m.Parts {
		outcome := p.Status
		if p.Why != "" {
			outcome += ": " + p.Why
		}
		fmt.Fprintf(out, "| %s | %s | %s | %.0f |\n", p.Name, cell(outcome), found(p), p.Seconds)
	}
	if !m.Finished {
		fmt.Fprintf(out, "\nThe run did not come to its end: %s.\n", cell(m.Ended))
	}
	out.WriteString("\n")
}

// found is what a part compared, in words.
func found(p Part) string {
	var said []string
	equal, digests := 0, 0
	for _, raw := range p.Results {
		var r struct {
			What                    string
			Passed, Failed, Skipped int
			Comparisons             int
			Seed                    uint64
			Equal                   bool
		}
		if json.Unmarshal(raw, &r) != nil {
			continue
		}
		switch r.What {
		case "go test":
			said = append(said, fmt.Sprintf("tests: %d passed, %d failed, %d skipped", r.Passed, r.Failed, r.Skipped))
		case "random shapes":
			said = append(said, fmt.Sprintf("%d operations compared, seed %d", r.Comparisons, r.Seed))
		case "logits":
			if digests++; r.Equal {
				equal++
			}
		}
	}
	if digests > 0 {
		said = append(said, fmt.Sprintf("%d of %d digests of logits equal the processor's", equal, digests))
	}
	return cell(strings.Join(said, "; "))
}

// figure is a number of four digits or more, without an exponent.
func figure(v float64) string {
	if v >= 1000 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.4g", v)
}

func cell(s string) string { return strings.NewReplacer("|", "\\|", "\n", " ").Replace(s) }

func peaks(out *strings.Builder, d *device) {
	fmt.Fprint(out, "| peak | |\n|---|---|\n")
	for _, p := range []struct{ key, what, unit string }{
		{"fp32_fma", "float32 multiply-adds", "GFLOP/s"}, {"bf16_mma", "bfloat16 tensor cores, by `mma.sync`", "GFLOP/s"}, {"int8_mma", "8-bit tensor cores, by `mma.sync`", "GOP/s"},
		{"read", "reading memory", "GB/s"}, {"upload", "copies from the host", "GB/s"}, {"launch", "a launch among many", "us"}, {"launch_and_wait", "a launch and waiting for it", "us"},
	} {
		fmt.Fprintf(out, "| %s | %s %s |\n", p.what, figure(d.Peaks[p.key]), p.unit)
	}
	out.WriteString("\n")
}

// speeds is the table of what was measured, in the order in which it was.
func speeds(out *strings.Builder, rows, peers []result) {
	if len(rows) == 0 {
		return
	}
	fmt.Fprint(out, "| precision | what | | part of the limit | goal | device memory |\n|---|---|---|---|---|---|\n")
	for _, r := range rows {
		goal := ""
		if g := goals[r.Precision+" "+r.What]; g > 0 {
			goal = fmt.Sprintf("%.2f, missed", g)
			if r.OfLimit >= g {
				goal = fmt.Sprintf("%.2f, reached", g)
			}
		}
		fmt.Fprintf(out, "| %s | %s | %s | %.2f of %s | %s | %.0f MB |\n", r.Precision, r.What, speed(r), r.OfLimit, r.Limit, goal, r.PeakDeviceMB)
	}
	if a, b := find(rows, "exact", "prefill"), find(rows, "int8", "prefill"); a != nil && b != nil {
		fmt.Fprintf(out, "\nint8 reads a prompt %.2f times as fast as exact (goal: 4).\n", b.TokensPerS/a.TokensPerS)
	}
	for _, r := range rows {
		if r.What == "lora train step" {
			fmt.Fprintf(out, "\n800 records by 3 epochs take %.2f hours in %s.\n", r.S*2400/3600, r.Precision)
		}
	}
	if len(peers) > 0 {
		fmt.Fprint(out, "\nPyTorch in the same run:\n\n| dtype | what | |\n|---|---|---|\n")
		for _, r := range peers {
			fmt.Fprintf(out, "| %s | %s | %s |\n", cell(r.DType), cell(r.What), speed(r))
		}
		fmt.Fprint(out, "\n| loupe | beside PyTorch | what | times as fast |\n|---|---|---|---|\n")
		for _, pair := range [][2]string{{"exact", "float32"}, {"int8", "bfloat16"}, {"bf16-mma", "bfloat16"}} {
			for _, r := range rows {
				if i := slices.IndexFunc(peers, func(p result) bool { return p.What == r.What && p.DType == pair[1] }); r.Precision == pair[0] && i >= 0 {
					fmt.Fprintf(out, "| %s | %s | %s | %.2f |\n", pair[0], pair[1], r.What, times(r, peers[i]))
				}
			}
		}
	}
	out.WriteString("\n")
}

func speed(r result) string {
	if r.TokensPerS > 0 {
		return figure(r.TokensPerS) + " tokens/s"
	}
	return figure(r.S) + " s"
}

// times is how many times as fast a is as b.
func times(a, b result) float64 {
	if a.TokensPerS > 0 {
		return a.TokensPerS / b.TokensPerS
	}
	return b.S / a.S
}

func find(rows []result, precision, what string) *result {
	for i := range rows {
		if rows[i].Precision == precision && rows[i].What == what {
			return &rows[i]
		}
	}
	return nil
}

// order is what law 1 costs.
func order(out *strings.Builder, d *device, rows []result) {
	if len(d.OrderCost) > 0 {
		fmt.Fprint(out, "What law 1 costs, of products of one row with bfloat16 weights, beside the same in whatever order is the fastest:\n\n| columns | steps | by law 1 | in no order | times |\n|---|---|---|---|---|\n")
		for _, c := range d.OrderCost {
			fmt.Fprintf(out, "| %d | %d | %.4g us | %.4g us | %.2f |\n", c.Cols, c.Steps, c.WrittenS*1e6, c.FreeS*1e6, c.WrittenS/c.FreeS)
		}
	}
	if a, b := find(rows, "int8", "prefill"), find(rows, "bf16-mma", "prefill"); a != nil && b != nil {
		fmt.Fprintf(out, "\nbf16-mma, whose bits are its own, reads a prompt %.2f times as fast as int8.\n", b.TokensPerS/a.TokensPerS)
	}
}
