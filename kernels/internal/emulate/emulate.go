package emulate

import (
	"bufio"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"sync"
	"testing"
	"unsafe"
)

// Variable names the environment variable that holds the Python with bochscpu-python: a command line, so that it may begin
// with "env NAME=VALUE".
const Variable = "LOUPE_BOCHS"

//go:embed bochs.py
var script string

// CPU is an emulated processor that has the test binary in its memory.
type CPU struct {
	mu  sync.Mutex
	in  io.Writer
	out *bufio.Scanner
}

// Start gives the running test binary to an emulated processor. It returns nil, and the reason, where there is no emulator.
func Start(t testing.TB) (cpu *CPU, reason string) {
	t.Helper()
	python := strings.Fields(os.Getenv(Variable))
	if len(python) == 0 {
		return nil, "no emulator: set " + Variable + " to a Python that has bochscpu-python"
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python[0], append(python[1:], "-c", script, self)...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start the emulator that %s names: %v", Variable, err)
	}
	t.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 64<<20)
	return &CPU{in: in, out: lines}, ""
}

// Bytes is the memory of a slice: a pointer argument of Call, which the routine may change.
func Bytes[T any](s []T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), len(s)*int(unsafe.Sizeof(*new(T))))
}

// Call runs routine, a function of integers and pointers alone, with arguments of type int, or []byte for a pointer to
// these bytes. It may neither read nor write beyond their end: that is an error, as is an instruction that faults.
func (c *CPU) Call(routine any, args ...any) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	call := struct {
		Routine uintptr `json:"routine"`
		Args    []any   `json:"args"`
	}{Routine: reflect.ValueOf(routine).Pointer()}
	var buffers [][]byte
	for _, a := range args {
		switch a := a.(type) {
		case int:
			call.Args = append(call.Args, a)
		case []byte:
			buffers = append(buffers, a)
			call.Args = append(call.Args, map[string]string{"data": base64.StdEncoding.EncodeToString(a)})
		default:
			return fmt.Errorf("argument of type %T; int and []byte can be passed", a)
		}
	}
	if err := json.NewEncoder(c.in).Encode(call); err != nil {
		return fmt.Errorf("the emulator is gone: %w", err)
	}
	if !c.out.Scan() {
		return fmt.Errorf("the emulator ended: %v", c.out.Err())
	}
	var answer struct {
		Data  []string
		Error string
	}
	if err := json.Unmarshal(c.out.Bytes(), &answer); err != nil {
		return fmt.Errorf("the emulator says %.200q: %w", c.out.Bytes(), err)
	}
	if answer.Error != "" {
		return fmt.Errorf("emulated %s", answer.Error)
	}
	for i, b := range buffers {
		if _, err := base64.StdEncoding.Decode(b, []byte(answer.Data[i])); err != nil {
			return fmt.Errorf("the emulator's bytes: %w", err)
		}
	}
	return nil
}
