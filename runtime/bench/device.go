package bench

import (
	"context"
	"time"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/cuda"
	"github.com/loupe-vl/loupe/kernels/peak"
	loupe "github.com/loupe-vl/loupe/runtime"
)

// Limits are what the machine can do, in billions a second: the processor, or the device that a model computes on.
type Limits struct {
	peak.Peaks
	Device *kernels.Peaks // of a device with memory of its own; nil for the processor
}

// Limit is one of them by its name. Value is 0 where the machine has none.
type Limit struct {
	Name, Unit string
	Value      float64
}

// List is all of them.
func (l Limits) List() []Limit {
	if d := l.Device; d != nil {
		return []Limit{
			{"fp32_fma", "GFLOP/s", d.FMA}, {"bf16_mma", "GFLOP/s", d.BF16}, {"int8_mma", "GOP/s", d.Int8}, {"read", "GB/s", d.Read},
			{"upload", "GB/s", d.Upload}, {"launch", "us", d.Launch.Seconds() * 1e6}, {"launch_and_wait", "us", d.Wait.Seconds() * 1e6},
		}
	}
	return []Limit{{"fp32_fma", "GFLOP/s", l.FMA}, {"bf16_dot", "GFLOP/s", l.BF16}, {"int8_dot", "GOP/s", l.Int8}, {"read", "GB/s", l.Read}}
}

// best is the better of two measurements, each by each.
func (l Limits) best(m Limits) Limits {
	if a, b := l.Device, m.Device; a != nil && b != nil {
		return Limits{Device: &kernels.Peaks{
			FMA: max(a.FMA, b.FMA), Int8: max(a.Int8, b.Int8), BF16: max(a.BF16, b.BF16), Read: max(a.Read, b.Read),
			Upload: max(a.Upload, b.Upload), Launch: min(a.Launch, b.Launch), Wait: min(a.Wait, b.Wait),
		}}
	}
	return Limits{Peaks: l.Peaks.Best(m.Peaks)}
}

// gpu is a device with memory and limits of its own.
type gpu interface {
	kernels.MeasuredDevice
	Info() cuda.Info
}

// gpuOf is the device that a model computes on where that is not the processor.
func gpuOf(m *loupe.Model) (gpu, bool) {
	d, is := m.Device().(gpu)
	return d, is
}

// deviceLimits measures a device.
func deviceLimits(ctx context.Context, d gpu, window time.Duration) (Limits, error) {
	p, err := d.Peaks(ctx, window)
	return Limits{Device: &p}, err
}

// deviceLimit is what bounds a measurement on a device: the slower of the arithmetic of the precision, and of reading weights.
func deviceLimit(what, precision string, cost Cost, p *kernels.Peaks) (string, float64) {
	name, value := "fp32_fma", p.FMA
	switch precision {
	case "int8", "int4":
		name, value = "int8_mma", p.Int8
	case "bf16-mma":
		name, value = "bf16_mma", p.BF16
	}
	if what == "decode" || cost.Bytes*value > cost.FLOP*p.Read {
		return "read", p.Read
	}
	return name, value
}

// OrderCost is a product of one row beside the same without law 1: see [kernels.MeasuredDevice].
type OrderCost struct {
	What     string  `json:"what"` // "order of a product"
	Cols     int     `json:"cols"`
	Steps    int     `json:"steps"`
	WrittenS float64 `json:"written_s"` // by law 1
	FreeS    float64 `json:"free_s"`    // in whatever order is the fastest
}

// orderCosts compares the widest products of one row of the model's decoder.
func orderCosts(ctx context.Context, m *loupe.Model, d gpu, window time.Duration) (out []OrderCost, err error) {
	t := m.Config.Text
	for _, shape := range [][2]int{{t.IntermediateSize, t.HiddenSize}, {t.HiddenSize, t.IntermediateSize}} {
		written, free, err := d.FreeOrderCost(ctx, shape[0], shape[1]&^7, window)
		if err != nil {
			return out, err
		}
		out = append(out, OrderCost{What: "order of a product", Cols: shape[0], Steps: shape[1] &^ 7, WrittenS: written.Seconds(), FreeS: free.Seconds()})
	}
	return out, nil
}

// DeviceReport is what a device is, what it can do, and what law 1 costs there.
type DeviceReport struct {
	What      string             `json:"what"` // "device"
	Device    string             `json:"device"`
	Arch      string             `json:"arch"`
	Driver    string             `json:"driver"`
	Library   string             `json:"library,omitempty"` // of the driver, where it is not the system's: then nothing ran on a GPU
	MemoryMB  float64            `json:"memory_mb"`
	Peaks     map[string]float64 `json:"peaks"` // of Limits.List, in its units
	OrderCost []OrderCost        `json:"order_cost,omitempty"`
}

// Report describes the device that a model computes on; ok is false for the processor.
func Report(ctx context.Context, m *loupe.Model, l Limits, window time.Duration) (r DeviceReport, ok bool, err error) {
	d, ok := gpuOf(m)
	if !ok {
		return r, false, nil
	}
	i := d.Info()
	r = DeviceReport{What: "device", Device: i.Name, Arch: i.Arch(), Driver: i.DriverVersion(), Library: i.Library, MemoryMB: float64(i.Memory >> 20), Peaks: map[string]float64{}}
	for _, x := range l.List() {
		r.Peaks[x.Name] = x.Value
	}
	r.OrderCost, err = orderCosts(ctx, m, d, window)
	return r, true, err
}
