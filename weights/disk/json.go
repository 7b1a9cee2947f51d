package disk

import "fmt"

// BoundJSON is an error if a JSON text holds more than a number of values, with names counted. It reads the text once and
// keeps nothing, so that a few megabytes of brackets cannot become gigabytes of values. It does not check that the text is
// JSON; the parser does.
func BoundJSON(data []byte, most int) error {
	values, quoted := 1, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ',' || c == '[' || c == '{' || c == ':'):
			if values++; values > most {
				return fmt.Errorf("it holds more than %d values of JSON by byte %d; check that it is the file that you mean", most, i)
			}
		}
	}
	return nil
}
