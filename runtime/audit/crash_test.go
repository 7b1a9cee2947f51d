package audit

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// writerVariable makes the test's own program one that writes to a directory of records until it is killed, 16 requests at once. It
// prints a line for each entry that it was told is durable.
const writerVariable = "LOUPE_TEST_AUDIT_WRITER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(writerVariable); dir != "" {
		writeUntilKilled(dir)
		os.Exit(3)
	}
	os.Exit(m.Run())
}

func writeUntilKilled(dir string) {
	b, err := OpenBook(dir, Options{})
	if err != nil {
		fmt.Println("open:", err)
		return
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for j := 0; ; j++ {
				why := fmt.Sprintf("%d of %d by %d", j, i, os.Getpid())
				n, err := b.add(context.Background(), event{kind: KeyPredicate, predicate: &KeyChange{Why: why}, files: [][]byte{[]byte(why)}})
				mu.Lock()
				if err != nil {
					fmt.Println("refused:", err)
					mu.Unlock()
					return
				}
				fmt.Printf("%d %s\n", n, why)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

// long reports whether tests may take minutes.
func long() bool { return os.Getenv("LOUPE_LONG") == "1" }

// acknowledged runs a writer until kill says so, and returns what it was told is durable, by entry.
func acknowledged(t *testing.T, dir string, kill func(*os.Process)) (map[int64]string, string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), writerVariable+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go kill(cmd.Process)
	got := map[int64]string{}
	refused := ""
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var n int64
		if _, err := fmt.Sscan(lines.Text(), &n); err != nil {
			refused = lines.Text()
			continue
		}
		_, got[n], _ = strings.Cut(lines.Text(), " ")
	}
	_ = cmd.Wait() // it was killed
	return got, refused
}

// holds checks a directory, and that every acknowledged entry is in it.
func holds(t *testing.T, dir string, told map[int64]string) {
	t.Helper()
	if _, err := check(dir); err != nil {
		t.Fatalf("the log does not check: %v", err)
	}
	a, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for n, why := range told {
		r, err := a.Record(n)
		if err != nil || r.KeyChange == nil || r.KeyChange.Why != why {
			t.Fatalf("entry %d was acknowledged as %q: %v", n, why, err)
		}
		if _, err := a.kept.read(digestOf([]byte(why))); err != nil {
			t.Fatalf("entry %d was acknowledged, and its file: %v", n, err)
		}
	}
}

// TestKilledWriter: killed at any moment with 16 requests under way, the log checks and no acknowledged entry is missing.
func TestKilledWriter(t *testing.T) {
	rounds := 3
	if long() {
		rounds = 100
	}
	dir := filepath.Join(t.TempDir(), "audits")
	all := map[int64]string{}
	for range rounds {
		told, _ := acknowledged(t, dir, func(p *os.Process) {
			time.Sleep(time.Duration(20+rand.IntN(300)) * time.Millisecond)
			_ = p.Kill()
		})
		for n, why := range told {
			if before, twice := all[n]; twice {
				t.Fatalf("entry %d was acknowledged as %q and as %q", n, before, why)
			}
			all[n] = why
		}
		if _, err := os.Stat(filepath.Join(dir, logName, "checkpoint")); errors.Is(err, os.ErrNotExist) {
			continue // killed before there was a log
		}
		holds(t, dir, all)
	}
	if len(all) == 0 && !testing.Short() {
		t.Skip("the machine is too busy: no writer got as far as an entry")
	}
}

// TestFullDisk: on a file system that is full decisions are refused, what was acknowledged is there, and the log checks.
func TestFullDisk(t *testing.T) {
	at := t.TempDir()
	if err := exec.Command("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", at).Run(); err != nil {
		t.Skipf("no file system of one megabyte can be mounted here (%v)", err)
	}
	defer func() { _ = exec.Command("umount", at).Run() }()
	dir := filepath.Join(at, "audits")
	told, refused := acknowledged(t, dir, func(p *os.Process) {
		time.Sleep(60 * time.Second)
		_ = p.Kill()
	})
	if !strings.Contains(refused, "could not be recorded") {
		t.Fatalf("on a full disk %d entries were taken, and the last line is %q", len(told), refused)
	}
	holds(t, dir, told)
}

// TestThroughput: a thousand decisions a second, where these cost nothing themselves.
func TestThroughput(t *testing.T) {
	if !long() {
		t.Skip("LOUPE_LONG=1 measures how many entries a second are logged")
	}
	b, err := OpenBook(filepath.Join(t.TempDir(), "audits"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	const n, at = 20000, 256
	start := time.Now()
	var wg sync.WaitGroup
	for i := range at {
		wg.Go(func() {
			for j := range n / at {
				why := fmt.Sprintf("%d of %d %s", j, i, strings.Repeat("x", 3000))
				if _, err := b.add(context.Background(), event{kind: KeyPredicate, predicate: &KeyChange{Why: why}, files: [][]byte{[]byte(why), []byte(why + "2")}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	rate := float64(n) / time.Since(start).Seconds()
	t.Logf("%.0f entries a second", rate)
	if rate < 1000 {
		t.Errorf("%.0f entries a second are logged, and a thousand should be", rate)
	}
}

// TestSecondWriterIsTold: while one writes, another is refused and told who has the directory.
func TestSecondWriterIsTold(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "audits")
	b, err := OpenBook(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if _, err := OpenBook(dir, Options{}); err == nil || !strings.Contains(err.Error(), "audit log") || !strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) {
		t.Errorf("a second writer: %v", err)
	}
}
