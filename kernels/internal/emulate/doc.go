// Package emulate runs assembly routines on an emulated processor, for tests on machines whose own lacks the instructions:
// AVX-512 and its extensions. The emulator is Bochs, by way of Python; without it Start says why and the tests skip.
//
// May import: nothing of the project. Imported by tests only.
package emulate
