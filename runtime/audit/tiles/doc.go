// Package tiles keeps an append-only log in files: a Merkle tree (golang.org/x/mod/sumdb/tlog) in the layout of C2SP's
// tlog-tiles specification. Any web server can publish the log, and other tools can check it.
//
//	checkpoint             the signed size and root: C2SP tlog-checkpoint, a signed note
//	tile/L/N[.p/W]         256 (or W) hashes of level 8L
//	tile/entries/N[.p/W]   256 (or W) entries, each after its length as a big-endian uint16
//	torn/TIME/...          what a writer that died had begun and nobody was told of
//
// There is one writer at a time, [Log], and any number of readers, [Reader]. An entry counts once a checkpoint covers it:
// files are written, synced and renamed in the order entries, tiles, checkpoint.
//
// May import: weights/disk, the standard library and golang.org/x/mod.
package tiles
