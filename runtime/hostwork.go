package loupe

import (
	"slices"
	"sync"

	"github.com/loupe-vl/loupe/kernels"
)

// hostWork is what the host does of a model that computes on another device.
type hostWork struct {
	mu   sync.Mutex
	done []string
}

// Engine is the kernels and the threads of the host, to work there on what the model's device gave: doing names that work, as "the
// relevance of attention". Where the device is not the host, HostWork lists it.
func (m *Model) Engine(doing string) *kernels.Engine {
	if m.device.OnHost() {
		return m.engine
	}
	m.hostWork.mu.Lock()
	defer m.hostWork.mu.Unlock()
	if !slices.Contains(m.hostWork.done, doing) {
		m.hostWork.done = append(m.hostWork.done, doing)
		if m.OnHostWork != nil {
			m.OnHostWork(doing)
		}
	}
	return m.engine
}

// HostWork is what the host did so far although the model computes on another device, each once. Answers, scores and training need none.
func (m *Model) HostWork() []string {
	m.hostWork.mu.Lock()
	defer m.hostWork.mu.Unlock()
	return slices.Clone(m.hostWork.done)
}
