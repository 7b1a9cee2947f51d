package main

import (
	"os"
	"path/filepath"
	"testing"
)

// readPage is a page of docs.
func readPage(t *testing.T, name string) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}
