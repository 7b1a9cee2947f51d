package serve

import (
	"errors"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/runtime/internal/device"
)

// brokenDevice is a device that fails from a time on.
type brokenDevice struct {
	kernels.Device
	broken *atomic.Bool
}

var errBroken = errors.New("the GPU fell off the bus")

func (d brokenDevice) Err() error {
	if d.broken.Load() {
		return errBroken
	}
	return nil
}

// TestStudioEndsWithItsDevice: a studio whose device is broken answers what was asked, and ends with the reason.
func TestStudioEndsWithItsDevice(t *testing.T) {
	defer func(of func(*kernels.Engine) kernels.Device) { device.Of = of }(device.Of)
	var broken atomic.Bool
	of := device.Of
	device.Of = func(e *kernels.Engine) kernels.Device { return brokenDevice{of(e), &broken} }
	s := New(Options{Model: embedded(t)})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(t.Context(), l, "") }()
	compute := func() {
		r, err := http.Get("http://" + l.Addr().String() + "/api/tour")
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
	}
	take, err := s.take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	take()
	compute()
	select {
	case err := <-ended:
		t.Fatalf("it ends while its device works: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	broken.Store(true)
	if take, err = s.take(t.Context()); err != nil {
		t.Fatal(err)
	}
	take()
	select {
	case err := <-ended:
		if !errors.Is(err, errBroken) || !strings.Contains(err.Error(), "the device can compute nothing more") {
			t.Errorf("it ends with %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("it goes on")
	}
}
