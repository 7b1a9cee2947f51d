// Package modelsig signs a model's directory, and checks such signatures, in the format of OpenSSF model signing: a file model.sig, a
// Sigstore bundle whose DSSE envelope holds an in-toto statement with the SHA-256 of every file. The Python tool model-signing
// verifies what it writes, and it verifies what that tool writes with keys.
//
// Keys are ECDSA on P-256, P-384 or P-521, in PEM: the format has no Ed25519.
//
// May import: weights, the standard library and go-securesystemslib (DSSE).
package modelsig
