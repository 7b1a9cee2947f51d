// Streams, events, and copies that go on beside the program. With CUDASIM_LAZY a copy reads, and writes, pinned memory when somebody waits
// for it, and not before; one from or to other memory is done when the call is back, as the real driver's.

namespace {

struct Event {
  std::shared_ptr<bool> recorded; // null: it was never recorded, and nobody waits
  Stream *stream;
};
std::set<Event *> events;

std::map<uintptr_t, size_t> pinned;
size_t pinned_bytes;

// is_pinned reports whether bytes at p lie in one piece of pinned memory.
bool is_pinned(const void *p, size_t bytes) {
  auto m = pinned.upper_bound(uintptr_t(p));
  if (m == pinned.begin()) return false;
  --m;
  return uintptr_t(p) + bytes <= m->first + m->second;
}

// copy copies on a stream, late where the host's end is pinned.
int copy(void *stream, void *to, const void *from, size_t n, CUdeviceptr device, const void *host) {
  Gpu *gpu = on;
  if (!inside(device, n, gpu)) return 1;
  auto work = [=] {
    if (!inside(device, n, gpu)) return sticky = 700; // freed meanwhile
    memcpy(to, from, n);
    if (CUdeviceptr(to) == device) check::written(to, n);
    return 0;
  };
  if (is_pinned(host, n)) return give(stream, work);
  if (!streams.count(static_cast<Stream *>(stream))) return 400;
  if (int code = finish(static_cast<Stream *>(stream))) return code;
  return work();
}

} // namespace

API cuStreamCreate(void **s, unsigned flags) {
  ENTER_CONTEXT("cuStreamCreate");
  if (flags > 1) return 1;
  Stream *made = new Stream;
  streams.insert(made);
  *s = made;
  return 0;
}
API cuStreamSynchronize(void *s) {
  ENTER_CONTEXT("cuStreamSynchronize");
  if (!streams.count(static_cast<Stream *>(s))) return 400;
  return finish(static_cast<Stream *>(s));
}
API cuStreamDestroy_v2(void *s) {
  std::lock_guard<std::recursive_mutex> held(lock);
  Stream *stream = static_cast<Stream *>(s);
  if (!streams.count(stream)) return 400;
  finish(stream);
  streams.erase(stream);
  delete stream;
  return 0;
}
API cuEventCreate(void **e, unsigned flags) {
  ENTER_CONTEXT("cuEventCreate");
  if (flags > 3) return 1;
  Event *made = new Event{nullptr, nullptr};
  events.insert(made);
  *e = made;
  return 0;
}
API cuEventRecord(void *e, void *s) {
  ENTER_CONTEXT("cuEventRecord");
  Event *event = static_cast<Event *>(e);
  if (!events.count(event)) return 400;
  auto recorded = std::make_shared<bool>(false);
  if (int code = give(s, [recorded] { return *recorded = true, 0; })) return code;
  event->recorded = recorded, event->stream = static_cast<Stream *>(s);
  return 0;
}
API cuEventSynchronize(void *e) {
  ENTER_CONTEXT("cuEventSynchronize");
  Event *event = static_cast<Event *>(e);
  if (!events.count(event)) return 400;
  auto recorded = event->recorded;
  if (!recorded || *recorded) return 0;
  return finish(event->stream, [recorded] { return *recorded; });
}
API cuEventDestroy_v2(void *e) {
  std::lock_guard<std::recursive_mutex> held(lock);
  if (!events.erase(static_cast<Event *>(e))) return 400;
  delete static_cast<Event *>(e);
  return 0;
}
API cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t n, void *stream) {
  ENTER_CONTEXT("cuMemcpyHtoDAsync_v2");
  return copy(stream, reinterpret_cast<void *>(to), from, n, to, from);
}
API cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t n, void *stream) {
  ENTER_CONTEXT("cuMemcpyDtoHAsync_v2");
  return copy(stream, to, reinterpret_cast<void *>(from), n, from, to);
}
API cuMemHostAlloc(void **p, size_t n, unsigned) {
  ENTER_CONTEXT("cuMemHostAlloc");
  if (pinned_bytes + n > size_t(number("CUDASIM_PINNED", 1L << 40))) return 2;
  if (!(*p = malloc(n))) return 2;
  memset(*p, 0xff, n);
  pinned[uintptr_t(*p)] = n;
  pinned_bytes += n;
  return 0;
}
API cuMemFreeHost(void *p) {
  std::lock_guard<std::recursive_mutex> held(lock);
  auto m = pinned.find(uintptr_t(p));
  if (m == pinned.end()) return 1;
  finish_all(); // it waits
  memset(p, 0xff, m->second);
  pinned_bytes -= m->second;
  pinned.erase(m);
  free(p);
  return 0;
}
