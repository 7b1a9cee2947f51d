// Package tensor holds the operations that the model is written in.
//
// The vision transformer and the decoder are each written once, as a sequence of the methods of [Run]: Linear, LayerNorm,
// RMSNorm, Rotate, Attention, SwiGLU and so on. Inference runs them as they are; inspection adds [Hooks] that see, and
// may edit, what passes through the tap points; training adds a [Tape]. One operation is one file, so that its backward
// stands beside its forward.
//
// A run computes on a [kernels.Device], and knows nothing else of it: tensors lie in the device's memory, and what goes between it and
// the host says so (host.go: Upload, Download, Host, Change). On the processor they are one, and nothing is copied.
//
// What the package owns:
//   - memory: each run takes its tensors from an [Arena]; [Run.Scope] gives the memory of a block back when the block ends;
//   - errors: a run remembers the first thing that went wrong (a canceled context, a non-finite activation, an edit that
//     does not fit) and the operations after it do nothing, so that a block reads like the paper, top to bottom;
//   - tap points: [Run.Tap] names a tensor after the Hugging Face module path; it costs a nil check when nobody asked.
//
// Law 2: hooks that only watch change no bit, since a tapped and an untapped run ask the device for the same operations with the same
// arguments. Attention computes true probability rows, which the device shows only where somebody looks (attention_look.go).
//
// May import: kernels, kernels/num, kernels/vec.
package tensor
