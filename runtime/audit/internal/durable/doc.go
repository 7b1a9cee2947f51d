// Package durable writes groups of files that must outlive a crash: each is written beside its name, synced and renamed, and the
// directories are synced after. A group shares its syncs, so that a log of many small decisions is not bound by one sync a file.
//
// It stands beside disk.WriteFile, which writes one large file and streams it.
//
// May import: the standard library, golang.org/x/sys.
package durable
