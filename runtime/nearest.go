package loupe

import (
	"fmt"
	"strings"

	"github.com/loupe-vl/loupe/weights/option"
)

// didYouMean is the name nearest to one that does not exist, as the end of an error; "" if none is near.
func didYouMean(name string, names []string) string {
	best := option.Nearest(name, names)
	if best == "" || strings.ContainsAny(name, wildcards) {
		return ""
	}
	return fmt.Sprintf(" (is it %s?)", best)
}
