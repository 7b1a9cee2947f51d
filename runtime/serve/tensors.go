package serve

import (
	"bytes"
	"math"
	"net/http"
	"strconv"

	"github.com/loupe-vl/loupe/weights"
)

// sendTensors answers with safetensors.
func sendTensors(w http.ResponseWriter, tensors []weights.Named, metadata map[string]string) {
	var b bytes.Buffer
	if err := weights.Encode(&b, tensors, metadata); err != nil {
		fail(w, http.StatusInternalServerError, sentence(err))
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = w.Write(b.Bytes()) // a browser that has gone away is not an error
}

// span is the smallest and the largest number of x.
func span(x []float32) (least, largest float32) {
	least, largest = x[0], x[0]
	for _, v := range x[1:] {
		least, largest = min(least, v), max(largest, v)
	}
	return least, largest
}

// inBytes quantizes x to bytes: least becomes 0 and largest 255.
func inBytes(dst []byte, x []float32, least, largest float32) {
	for i, v := range x {
		if largest > least {
			dst[i] = byte(math.Round(255 * float64(v-least) / float64(largest-least)))
		}
	}
}

func number(v float32) string { return strconv.FormatFloat(float64(v), 'g', -1, 32) }

// norm is the Euclidean length of x.
func norm(x []float32) float64 {
	sum := 0.0
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum)
}
