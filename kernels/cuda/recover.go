//go:build cuda && linux && cgo

package cuda

import "errors"

// Recover lets the device go on after it had no memory for what an operation needs beside its operands: the operations after that were left
// out, so that what they were to write means nothing. Nobody may be computing on it. Any other error stays, and is returned.
func (d *Device) Recover() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.wait(); d.err == nil {
		return nil
	}
	var full *OutOfMemory
	var refused *Error
	if !errors.As(d.err, &full) && !(errors.As(d.err, &refused) && refused.Code == codeOutOfMemory) {
		return d.err
	}
	d.err = nil // what was queued before it has been computed: see alloc
	d.wait()
	return d.err
}
