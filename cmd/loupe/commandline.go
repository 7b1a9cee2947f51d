package main

import (
	"context"
	"regexp"
	"strings"

	"github.com/loupe-vl/loupe/weights/disk"
)

// argsKey is the key of the command line's words in a context.
type argsKey struct{}

// argsOf are the words of the command line, after the program's name.
func argsOf(ctx context.Context) []string {
	args, _ := ctx.Value(argsKey{}).([]string)
	return args
}

// plainWord matches a word that needs no quotes in any shell.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// commandLine is a command with the quotes that a shell needs.
func commandLine(args []string) string {
	words := []string{"loupe"}
	for _, a := range args {
		if !plainWord.MatchString(a) {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		words = append(words, disk.Visible(a))
	}
	return strings.Join(words, " ")
}
