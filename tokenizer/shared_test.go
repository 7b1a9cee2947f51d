package tokenizer

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// sharedDir is the folder of the reference files: $LOUPE_SHARED, or shared
// beside the module's root. Without it the test is skipped.
func sharedDir(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv("LOUPE_SHARED"); dir != "" {
		return dir
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			shared := filepath.Join(filepath.Dir(dir), "shared")
			if _, err := os.Stat(filepath.Join(shared, "design.md")); err == nil {
				return shared
			}
			break
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	t.Skip("no reference files: set LOUPE_SHARED to their folder")
	return ""
}

// readJSON reads a JSON file of the reference.
func readJSON(t testing.TB, path string, v any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// goldenModels are the model folders of the golden fixtures.
func goldenModels(t testing.TB) []string {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(sharedDir(t), "golden", "*", "model"))
	if err != nil || len(dirs) == 0 {
		t.Skipf("no golden models under %s: %v", sharedDir(t), err)
	}
	return dirs
}
