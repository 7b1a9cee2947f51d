// Package bench measures how fast a model runs on a machine, and what part that is of what the machine can do: reading a
// prompt, generating, encoding a picture. The limits are measured in the same run, before and after.
//
// May import: runtime and what it is made of.
package bench
