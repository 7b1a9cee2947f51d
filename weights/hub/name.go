package hub

import (
	"fmt"
	"regexp"
	"strings"
)

// Name is a model's name on the hub: OWNER/NAME, and the revision (a branch, tag or commit).
type Name struct {
	Repo     string // OWNER/NAME
	Revision string // "main" where none is given
}

// String is OWNER/NAME, or OWNER/NAME@REVISION of another revision than main.
func (n Name) String() string {
	if n.Revision == "main" {
		return n.Repo
	}
	return n.Repo + "@" + n.Revision
}

var (
	repoForm     = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,96}/[A-Za-z0-9_.-]{1,96}$`)
	revisionForm = regexp.MustCompile(`^[A-Za-z0-9_.+-]+(/[A-Za-z0-9_.+-]+)*$`)
	commitForm   = regexp.MustCompile(`^[0-9a-f]{40}$`)
)

// Parse reads OWNER/NAME[@REVISION]. The rules of names are huggingface_hub's.
func Parse(text string) (Name, error) {
	repo, revision, given := strings.Cut(text, "@")
	if !given {
		revision = "main"
	}
	for _, part := range strings.Split(repo, "/") {
		if strings.HasPrefix(part, ".") || strings.HasPrefix(part, "-") || strings.HasSuffix(part, ".") || strings.HasSuffix(part, "-") || strings.Contains(part, "..") || strings.Contains(part, "--") || strings.HasSuffix(part, ".git") {
			return Name{}, fmt.Errorf("%q is no model's name on the hub: %q may not begin or end with a dash or a dot, nor hold two of them in a row", text, part)
		}
	}
	if !repoForm.MatchString(repo) {
		return Name{}, fmt.Errorf("%q is no model's name on the hub; write OWNER/NAME, or OWNER/NAME@REVISION", text)
	}
	if !revisionForm.MatchString(revision) || strings.Contains(revision, "..") {
		return Name{}, fmt.Errorf("%q names no revision: a branch, a tag or a commit follows the @", text)
	}
	return Name{repo, revision}, nil
}

// Like reports whether text looks like a name on the hub and not like a path (/..., ./..., C:\...).
func Like(text string) bool {
	_, err := Parse(text)
	return err == nil
}

// folder is the name of the model's folder in the cache.
func (n Name) folder() string { return "models--" + strings.ReplaceAll(n.Repo, "/", "--") }
