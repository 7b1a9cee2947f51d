package disk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// WaitLock takes the lock of a file at path, which is made where it is not and stays, and waits for it as long as another process has
// it, or until ctx ends. wait, where it is given, is called once when there is something to wait for. Other programs that lock the file by
// the system's own calls, such as Python's filelock, take part. On file systems without locks there is nothing to wait for.
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
