package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// kit is a folder as build.sh makes one, whose programs are scripts: measure is this test's own binary.
func kit(t *testing.T, programs map[string]string) string {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("measure.sh is for Linux")
	}
	for _, tool := range []string{"bash", "timeout"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("there is no " + tool)
		}
	}
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := exec.Command(self, "-test.run=^$").Run(); errors.Is(err, syscall.ENOEXEC) {
		t.Skip("this test runs in an emulator, and the system cannot run its program by itself, as the script does")
	}
	script, err := os.ReadFile(filepath.Join("..", "measure.sh"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{
		"measure.sh": string(script),
		"measure":    "#!/bin/sh\nMEASURE_MAIN=1 exec " + self + ` "$@"` + "\n",
		"loupe": `#!/bin/sh
case "$1$2" in
--version) echo loupe test ;;
generate*) echo '{"logits_sha256": "0000000000000000000000000000000000000000000000000000000000000001"}' ;;
bench*) echo '{"what":"device","device":"a GPU","arch":"sm_90","driver":"13.0","memory_mb":1000,"peaks":{"fp32_fma":5}}' ;;
esac
`,
		"cuda.test":    "#!/bin/sh\necho '--- PASS: TestX (0.00s)'\necho '    x_test.go:1: seed 7: 19 comparisons of'\n",
		"runtime.test": "#!/bin/sh\necho '--- PASS: TestX (0.00s)'\n",
		"train.test":   "#!/bin/sh\necho '--- PASS: TestX (0.00s)'\n",
		"built":        "abc123\n",
	}
	for name, text := range programs {
		files[name] = text
	}
	for _, d := range []string{"cuda", "runtime/train", "golden/a/model", "golden/a/cases"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	files["golden/a/cases/text.json"] = "{}"
	for name, text := range files {
		if text == "" {
			continue // one that is left out
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestMain(m *testing.M) {
	if os.Getenv("MEASURE_MAIN") == "1" {
		main()
		return
	}
	os.Exit(m.Run())
}

// measured runs measure.sh of a kit on shape demo, and reads what it wrote.
func measured(t *testing.T, dir string, status int, args ...string) *Measurement {
	t.Helper()
	cmd := exec.Command("bash", append([]string{filepath.Join(dir, "measure.sh"), "--shape", "demo", "--golden", filepath.Join(dir, "golden"), "--out", filepath.Join(dir, "result"), "--skip", "torch"}, args...)...)
	text, err := cmd.CombinedOutput()
	if got := cmd.ProcessState.ExitCode(); got != status {
		t.Fatalf("exit status %d, want %d: %v\n%s", got, status, err, text)
	}
	return result1(t, dir)
}

func result1(t *testing.T, dir string) *Measurement {
	t.Helper()
	m, err := readMeasurement(filepath.Join(dir, "result", "measure.json"))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// statuses are those of the parts, by name.
func statuses(m *Measurement) map[string]string {
	out := map[string]string{}
	for _, p := range m.Parts {
		out[p.Name] = p.Status
	}
	return out
}

func want(t *testing.T, m *Measurement, parts map[string]string) {
	t.Helper()
	got := statuses(m)
	for name, status := range parts {
		if got[name] != status {
			data, _ := json.Marshal(m.Parts)
			t.Errorf("part %s is %q, want %q\n%s", name, got[name], status, data)
		}
	}
}

// TestScript: a run in which everything goes well: its parts, what they found, and that the file is whole.
func TestScript(t *testing.T) {
	m := measured(t, kit(t, nil), 0, "--skip", "torch,memcheck,racecheck")
	want(t, m, map[string]string{"facts": "ok", "tests": "ok", "random": "ok", "golden": "ok", "models": "ok", "lora": "ok", "peaks": "ok", "bench-exact": "ok", "train-exact": "skipped", "torch": "skipped"})
	if !m.Finished || m.Built != "abc123" || m.Began == "" || len(m.Parts) != 18 {
		t.Errorf("%+v", m)
	}
	for name, what := range map[string]string{"tests": `"passed":1`, "random": `"seed":7,"comparisons":19`, "golden": `"equal":true`, "peaks": `"fp32_fma":5`} {
		for _, p := range m.Parts {
			if data, _ := json.Marshal(p.Results); p.Name == name && !strings.Contains(strings.ReplaceAll(string(data), " ", ""), what) {
				t.Errorf("part %s has no %s: %s", name, what, data)
			}
		}
	}
}

// TestScriptFails: a part that fails, one that hangs and does not heed being ended, one whose bits differ, and one with no program: the others
// go on.
func TestScriptFails(t *testing.T) {
	dir := kit(t, map[string]string{
		"cuda.test":    "#!/bin/bash\necho $$ >\"$OUTPID\"\ntrap '' TERM\nwhile :; do sleep 0.1; done\n",
		"runtime.test": "#!/bin/sh\necho '--- FAIL: TestX (0.00s)'; echo '    x_test.go:1: element 3 differs \"quoted\" \\\\ \x01\xff'\nexit 1\n",
		"train.test":   "",
		"loupe": `#!/bin/sh
case "$*" in
*cuda*--precision*|*--precision*cuda*) n=2 ;;
*) n=1 ;;
esac
echo '{"logits_sha256": "000000000000000000000000000000000000000000000000000000000000000'$n'"}'
`,
	})
	t.Setenv("MEASURE_LIMIT", "2")
	pid := filepath.Join(dir, "pid")
	t.Setenv("OUTPID", pid)
	m := measured(t, dir, 1, "--only", "tests,golden,models,lora,peaks")
	ended(t, pid)
	want(t, m, map[string]string{"tests": "timeout", "golden": "failed", "models": "failed", "lora": "failed", "peaks": "ok"})
	if !m.Finished {
		t.Error("the run is not finished")
	}
	for _, p := range m.Parts {
		if p.Name == "models" && !strings.Contains(p.Output, "element 3 differs") {
			t.Errorf("what failed is not told: %q", p.Output)
		}
	}
}

// TestScriptStops: when the time is over what is left is skipped, and a run of no time is valid too.
func TestScriptStops(t *testing.T) {
	m := measured(t, kit(t, nil), 1, "--seconds", "0")
	want(t, m, map[string]string{"facts": "skipped", "bench-bf16": "skipped"})
	if !m.Finished || m.Parts[0].Why != "there was no time left" {
		t.Errorf("%+v", m)
	}
}

// TestScriptInterrupted: Ctrl-C, and whoever ends the script otherwise, leave a valid file, and nothing that runs.
func TestScriptInterrupted(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		dir := kit(t, map[string]string{"cuda.test": "#!/bin/bash\necho $$ >\"$OUTPID\"\nexec sleep 100\n"})
		pid := filepath.Join(dir, "pid")
		t.Setenv("OUTPID", pid)
		cmd := exec.Command("bash", filepath.Join(dir, "measure.sh"), "--shape", "demo", "--out", filepath.Join(dir, "result"), "--golden", filepath.Join(dir, "golden"))
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			if text, err := os.ReadFile(pid); err == nil && len(text) > 0 {
				break
			}
			if time.Now().After(deadline) {
				cmd.Process.Kill()
				t.Fatal("the part that waits does not begin")
			}
		}
		if got := statuses(result1(t, dir)); got["facts"] != "ok" || got["tests"] != "running" {
			t.Errorf("while it runs: %v", got)
		}
		if err := cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		err := cmd.Wait()
		if cmd.ProcessState.ExitCode() != 130 {
			t.Errorf("%v: %v", signal, err)
		}
		m := result1(t, dir)
		want(t, m, map[string]string{"facts": "ok", "tests": "interrupted"})
		if m.Finished || m.Ended != "it was interrupted" {
			t.Errorf("%v: %+v", signal, m)
		}
		ended(t, pid)
	}
}

// ended checks that the process whose number is in a file runs no more.
func ended(t *testing.T, pid string) {
	t.Helper()
	child, err := os.ReadFile(pid)
	if err != nil || len(child) == 0 {
		t.Fatalf("%q: %v", child, err)
	}
	stat, err := os.ReadFile(filepath.Join("/proc", strings.TrimSpace(string(child)), "stat"))
	if err == nil && !strings.Contains(string(stat), ") Z ") { // nobody may have asked what became of one that has ended
		t.Errorf("what was to end is still running: %s", stat)
	}
}

// TestScriptRefuses: what cannot be meant, and a folder in which nothing was built.
func TestScriptRefuses(t *testing.T) {
	for _, c := range []struct {
		status int
		want   string
		kit    map[string]string
		args   []string
	}{
		{2, "--nonsense", nil, []string{"--nonsense"}},
		{2, "no part speed", nil, []string{"--only", "speed"}},
		{2, "--seconds", nil, []string{"--seconds", "ten"}},
		{2, "--out needs a value", nil, []string{"--out"}},
		{1, "build.sh", map[string]string{"loupe": ""}, nil},
	} {
		dir := kit(t, c.kit)
		cmd := exec.Command("bash", append([]string{filepath.Join(dir, "measure.sh")}, c.args...)...)
		cmd.Dir = dir
		text, err := cmd.CombinedOutput()
		if cmd.ProcessState.ExitCode() != c.status || !strings.Contains(string(text), c.want) {
			t.Errorf("%v: %v\n%s", c.args, err, text)
		}
	}
	m := measured(t, kit(t, nil), 1, "--only", "golden", "--golden", "/nowhere")
	want(t, m, map[string]string{"golden": "failed"})
	if !strings.Contains(m.Parts[0].Output, "/nowhere holds neither a nor b") {
		t.Errorf("%q", m.Parts[0].Output)
	}
}

// TestWholeScript builds what a measurement needs, and runs all of it on the fake driver.
func TestWholeScript(t *testing.T) {
	if os.Getenv("LOUPE_LONG") != "1" {
		t.Skip("set LOUPE_LONG=1 to build a measurement and run it on the fake driver")
	}
	dir := filepath.Join(t.TempDir(), "kit")
	for _, c := range [][]string{{"bash", "build.sh", dir}, {"g++", "-std=c++17", "-O2", "-ffp-contract=off", "-fno-strict-aliasing", "-shared", "-fPIC", "-fvisibility=hidden", "-DCUSIM", "-I../sim", "-o", filepath.Join(dir, "libfake.so"), "../sim/cusim.cc"}} {
		if text, err := exec.Command(c[0], c[1:]...).CombinedOutput(); errors.Is(err, exec.ErrNotFound) {
			t.Skip(err)
		} else if err != nil {
			t.Fatalf("%v: %v\n%s", c, err, text)
		}
	}
	t.Setenv("LOUPE_CUDA_LIBRARY", filepath.Join(dir, "libfake.so"))
	t.Setenv("MEASURE_LIMIT", "300")
	cmd := exec.Command("bash", filepath.Join(dir, "measure.sh"), "--shape", "demo", "--out", filepath.Join(dir, "result"), "--seconds", "900", "--skip", "memcheck,racecheck,torch")
	text, err := cmd.CombinedOutput()
	m := result1(t, dir)
	if err != nil {
		data, _ := json.MarshalIndent(m, "", " ")
		t.Fatalf("%v\n%s\n%s", err, text, data)
	}
	for _, p := range m.Parts {
		if p.Status != "ok" && !(p.Status == "skipped" && p.Why != "") {
			t.Errorf("part %s: %s", p.Name, p.Status)
		}
	}
	if _, err := pageOf(m); err == nil || !strings.Contains(err.Error(), "no GPU need have run anything") {
		t.Errorf("a page is made of what a fake driver did: %v", err)
	}
	t.Setenv("LOUPE_CUDA_LIBRARY", "libnosuchcuda.so.1")
	cmd = exec.Command("bash", filepath.Join(dir, "measure.sh"), "--shape", "demo", "--out", filepath.Join(dir, "result"), "--only", "tests,golden,peaks")
	if _ = cmd.Run(); cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("without a driver it ends with %d", cmd.ProcessState.ExitCode())
	}
	if m = result1(t, dir); !strings.Contains(m.Parts[2].Output, "libnosuchcuda.so.1") {
		t.Errorf("without a driver: %+v", m.Parts[2])
	}
	want(t, m, map[string]string{"tests": "failed", "golden": "failed", "peaks": "failed"})
}
