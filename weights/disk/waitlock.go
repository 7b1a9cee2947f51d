package disk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// WaitLock locks the file at path. It makes the file if needed, and waits while another process has the lock, until ctx
// ends. wait, unless it is nil, is called once before waiting. It works together with other programs that lock the file by
// the system's own calls, such as Python's filelock. On file systems without locks it returns at once.
func WaitLock(ctx context.Context, path string, wait func()) (release func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	for {
		err := lock(f)
		if err == nil || !errors.Is(err, errLocked) {
			return func() { f.Close() }, nil
		}
		if wait != nil {
			wait()
			wait = nil
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}
