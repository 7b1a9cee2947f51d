package main

import (
	"slices"
	"strings"
	"testing"
)

// TestBench: a line for each measurement, with the keys that scripts rely on, and a table of the same for people.
func TestBench(t *testing.T) {
	args := []string{"bench", "--shape", "demo", "--what", "image,prefill,decode", "--tokens", "8", "--threads", "2", "--seconds", "0.005", "--image", wave, "--max-pixels", "50000"}
	common := []string{"what", "precision", "threads", "gflop_per_s", "gb_per_s", "limit", "limit_per_s", "of_limit", "peak_rss_mb"}
	var got []string
	for line := range strings.Lines(ok(t, "", append(args, "--json")...)) {
		speed := "tokens_per_s"
		if strings.Contains(line, "image encode") {
			speed = "s"
		}
		o := decode(t, line, append(slices.Clone(common), speed)...)
		if o["precision"] != "exact" || o["threads"] != 2.0 || !(o["of_limit"].(float64) > 0) || !(o[speed].(float64) > 0) {
			t.Errorf("line %s", line)
		}
		got = append(got, o["what"].(string)+" "+o["limit"].(string))
	}
	if want := []string{"prefill fp32_fma", "decode read", "image encode fp32_fma"}; !slices.Equal(got, want) {
		t.Errorf("measured %q, want %q", got, want)
	}

	table := ok(t, "", args...)
	for _, want := range []string{"embedded", "fp32_fma", "bf16_dot", "int8_dot", "prefill", "decode", "image encode", "tokens/s", " %"} {
		if !strings.Contains(table, want) {
			t.Errorf("no %q in the table:\n%s", want, table)
		}
	}
}

func TestBenchErrors(t *testing.T) {
	for _, c := range []struct {
		name   string
		args   []string
		status int
		want   string // part of the error
	}{
		{"an argument", []string{"2b"}, exitUsage, "bench"},
		{"a shape that is none", []string{"--shape", "3b"}, exitUsage, "--shape 3b"},
		{"shape and model", []string{"--shape", "2b", "--model", "x"}, exitUsage, "--model"},
		{"a measurement that is none", []string{"--what", "prefill,speed"}, exitUsage, "--what speed"},
		{"no measurement", []string{"--what", ""}, exitUsage, "--what"},
		{"no tokens", []string{"--tokens", "0"}, exitUsage, "--tokens"},
		{"no time", []string{"--seconds", "0"}, exitUsage, "--seconds"},
		{"time that is no number", []string{"--seconds", "NaN"}, exitUsage, "--seconds"},
		{"time without end", []string{"--seconds", "1e300"}, exitUsage, "--seconds"},
		{"no threads", []string{"--shape", "demo", "--threads", "0"}, exitUsage, "--threads"},
		{"unknown precision", []string{"--shape", "2b", "--precision", "fp8"}, exitUsage, "--precision"},
		{"unknown kernels", []string{"--shape", "demo", "--kernels", "sse"}, exitUsage, "--kernels \"sse\""},
		{"a random score head", []string{"--shape", "2b", "--head", "x"}, exitFailed, "--head"},
		{"no such picture", []string{"--image", "nowhere.png"}, exitFailed, "nowhere.png"},
		{"a prompt beyond the context", []string{"--shape", "demo", "--what", "prefill", "--tokens", "4096", "--seconds", "0.005"}, exitFailed, "--tokens"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := start(t, "", append([]string{"bench"}, c.args...)...)
			if r.status != c.status {
				t.Errorf("exit %d, want %d", r.status, c.status)
			}
			if !strings.Contains(r.stderr, c.want) || r.stdout != "" {
				t.Errorf("standard error %q, want part %q; standard output %q", r.stderr, c.want, r.stdout)
			}
		})
	}
}
