//go:build cuda && linux && cgo

package cudatest

// #cgo LDFLAGS: -ldl
// #include <dlfcn.h>
// #include <stdlib.h>
//
// static long calls(const char *library, const char *name) {
//   void *h = dlopen(library, RTLD_NOW | RTLD_NOLOAD);
//   long (*f)(const char *) = h ? (long (*)(const char *))dlsym(h, "cusim_calls") : NULL;
//   long n = f ? f(name) : -1;
//   if (h) dlclose(h);
//   return n;
// }
import "C"

import (
	"testing"
	"unsafe"
)

// Calls is how often functions of a fake driver that is open were called so far, by their names.
func Calls(t testing.TB, library string, names ...string) []int {
	t.Helper()
	path := C.CString(library)
	defer C.free(unsafe.Pointer(path))
	out := make([]int, len(names))
	for i, name := range names {
		s := C.CString(name)
		out[i] = int(C.calls(path, s))
		C.free(unsafe.Pointer(s))
		if out[i] < 0 {
			t.Fatalf("%s is no fake driver, or is not open", library)
		}
	}
	return out
}
