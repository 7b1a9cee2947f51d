package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The tests run the program as a user does: the test binary, started again with this variable, is loupe.
const asProgram = "LOUPE_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// The committed checkpoint and its pictures: without a score head, and with every case's messages.
var (
	golden = filepath.Join("..", "..", "runtime", "testdata", "golden")
	wave   = filepath.Join(golden, "pictures", "painting_hokusai_wave_928x514_progressive.png")
)

// program is the command of one run of the program.
func program(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	return cmd
}

// result is what a run left.
type result struct {
	status         int
	stdout, stderr string
}

// start runs the program and waits for it.
func start(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	cmd := program(args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	err := cmd.Run()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		t.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// ok is a run that must end well, with nothing on standard error but what the embedded model says of itself.
func ok(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	r := start(t, stdin, args...)
	if r.status != 0 {
		t.Fatalf("loupe %s: exit %d: %s", strings.Join(args, " "), r.status, r.stderr)
	}
	for line := range strings.Lines(r.stderr) {
		if !strings.HasPrefix(line, "note: ") {
			t.Errorf("loupe %s: on standard error: %s", strings.Join(args, " "), line)
		}
	}
	return r.stdout
}

// decode parses one JSON object and checks that it has exactly these keys, of which one that ends in ? may be absent.
func decode(t *testing.T, text string, keys ...string) map[string]any {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	for _, k := range keys {
		name, optional := strings.CutSuffix(k, "?")
		if _, there := object[name]; !there && !optional {
			t.Errorf("no key %q in %s", name, text)
		}
	}
	for k := range object {
		if !slices.Contains(keys, k) && !slices.Contains(keys, k+"?") {
			t.Errorf("unexpected key %q in %s", k, text)
		}
	}
	return object
}
