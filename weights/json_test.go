package weights

import (
	"encoding/json"
	"strings"
	"testing"
)

// The budget counts every value of a document, nested or not; a small one
// stands in for the real one, which takes seconds to use up.
func TestJSONBudget(t *testing.T) {
	for doc, values := range map[string]int{`1`: 1, `[1,2,3]`: 4, `{"a":[[],{}],"b":null}`: 5} {
		for budget := range values + 2 {
			dec := json.NewDecoder(strings.NewReader(doc))
			p := parser{dec: dec, left: budget}
			_, err := p.value(0)
			if budget < values {
				wantError(t, err, "more than", "values")
			} else if err != nil {
				t.Errorf("%s with %d: %v", doc, budget, err)
			}
		}
	}
}
