package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/loupe-vl/loupe/runtime/demo"
	"github.com/loupe-vl/loupe/tokenizer"
	"github.com/loupe-vl/loupe/weights/disk"
	"github.com/spf13/cobra"
)

type tokenizeFlags struct {
	model        string
	decode, json bool
}

func tokenizeCommand() *cobra.Command {
	var f tokenizeFlags
	cmd := &cobra.Command{
		Use:   "tokenize",
		Short: "turn standard input into token ids, or back with --decode",
		Example: `  printf 'a painting' | loupe tokenize --json
  echo 64 188 | loupe tokenize --decode`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.model, "model", "", "`DIR` of the model or of its tokenizer files (default: the embedded one)")
	fl.BoolVar(&f.decode, "decode", false, "read ids separated by white space and write the exact bytes")
	fl.BoolVar(&f.json, "json", false, "print one JSON object")
	must(cmd.MarkFlagDirname("model"))
	return cmd
}

// mostText is the most bytes that are read: tokenizing takes several times that in memory.
const mostText = 16 << 20

func (f *tokenizeFlags) run(cmd *cobra.Command) error {
	var t *tokenizer.Tokenizer
	var err error
	if f.model == "" {
		t, err = tokenizer.LoadFS(demo.FS())
	} else {
		t, err = tokenizer.Load(f.model)
	}
	if err != nil {
		return err
	}
	in, err := disk.Await(cmd.Context(), func() ([]byte, error) {
		return disk.ReadAll(cmd.Context(), os.Stdin, "standard input", 0, mostText)
	})
	if err != nil {
		return err
	}
	if f.decode {
		return f.printText(t, string(in))
	}
	return f.printIDs(t, string(in))
}

func (f *tokenizeFlags) printIDs(t *tokenizer.Tokenizer, text string) error {
	ids, err := t.Encode(text)
	if err != nil {
		return fmt.Errorf("standard input: %w", err)
	}
	if f.json {
		tokens := make([]string, len(ids))
		for i, id := range ids {
			tokens[i], _ = t.Token(id) // Encode gives only ids that have a token
		}
		return json.NewEncoder(stdout).Encode(map[string]any{"ids": append([]int{}, ids...), "tokens": tokens})
	}
	words := make([]string, len(ids))
	for i, id := range ids {
		words[i] = strconv.Itoa(id)
	}
	_, err = fmt.Fprintln(screen, strings.Join(words, " "))
	return err
}

func (f *tokenizeFlags) printText(t *tokenizer.Tokenizer, in string) error {
	var ids []int
	for i, word := range strings.Fields(in) {
		id, err := strconv.Atoi(word)
		if err != nil {
			return fmt.Errorf("standard input: word %d, %q, is no token id; --decode reads numbers separated by white space", i+1, word)
		}
		ids = append(ids, id)
	}
	text, err := t.Decode(ids)
	if err != nil {
		return fmt.Errorf("standard input: %w", err)
	}
	if f.json {
		return json.NewEncoder(stdout).Encode(map[string]any{"ids": append([]int{}, ids...), "text": string(text)})
	}
	_, err = stdout.Write(text)
	return err
}
