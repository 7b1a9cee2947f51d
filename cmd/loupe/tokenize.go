package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/loupe-vl/loupe/runtime/demo"
	"github.com/loupe-vl/loupe/tokenizer"
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
  echo 64 18824 | loupe tokenize --decode`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error { return f.run() },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.model, "model", "", "`DIR` of the model or of its tokenizer files (default: the embedded one)")
	fl.BoolVar(&f.decode, "decode", false, "read ids separated by white space and write the exact bytes")
	fl.BoolVar(&f.json, "json", false, "print one JSON object")
	must(cmd.MarkFlagDirname("model"))
	return cmd
}

func (f *tokenizeFlags) run() error {
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
	in, err := io.ReadAll(os.Stdin)
	if err != nil {
		return fmt.Errorf("read standard input: %w", err)
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
		return json.NewEncoder(os.Stdout).Encode(map[string]any{"ids": append([]int{}, ids...), "tokens": tokens})
	}
	words := make([]string, len(ids))
	for i, id := range ids {
		words[i] = strconv.Itoa(id)
	}
	_, err = fmt.Println(strings.Join(words, " "))
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
		return json.NewEncoder(os.Stdout).Encode(map[string]any{"ids": append([]int{}, ids...), "text": string(text)})
	}
	_, err = os.Stdout.Write(text)
	return err
}
