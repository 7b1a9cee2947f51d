// Package audit records decisions (which picture, weights, words and arithmetic) so that anyone can replay them to the bit,
// years later.
//
// A decision is an in-toto Statement in canonical JSON (RFC 8785), in a DSSE envelope that an Ed25519 key signs; the envelope's
// bytes are an entry of an append-only log ([tiles]). The statement holds digests alone. Pictures, texts, token ids, layer
// digests and lists of weights lie in files of their own, named by digest, so that they can be redacted while their digests stay
// provable. docs/audit.md is the format's specification.
//
//	DIR/log/checkpoint, DIR/log/tile/...   the log
//	DIR/kept/ab/abcd...                    what the digests name
//	DIR/keys/NAME.pub, DIR/keys/NAME.key   public keys, and the private one unless it is kept elsewhere
//	DIR/lock                               who writes
//
// [Book] is the one writer of such a directory, for any number of goroutines; [Open] reads one.
//
// May import: runtime and all below it, runtime/train/metrics, runtime/trace/attribution.
package audit
