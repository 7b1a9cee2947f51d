package tiles

import (
	"encoding/binary"
	"fmt"
)

// appendEntry adds an entry to a tile of entries: its length as a big-endian uint16, then its bytes.
func appendEntry(bundle, entry []byte) []byte {
	bundle = binary.BigEndian.AppendUint16(bundle, uint16(len(entry)))
	return append(bundle, entry...)
}

// SplitBundle cuts a tile of entries into the want entries that it must hold. What is cut off or too much is an error that
// names the entry's number in the tile.
func SplitBundle(bundle []byte, want int) ([][]byte, error) {
	out := make([][]byte, 0, want)
	for len(out) < want {
		if len(bundle) < 2 {
			return nil, fmt.Errorf("it ends before entry %d of %d", len(out), want)
		}
		n := int(binary.BigEndian.Uint16(bundle))
		if len(bundle) < 2+n {
			return nil, fmt.Errorf("it ends within entry %d of %d", len(out), want)
		}
		out, bundle = append(out, bundle[2:2+n:2+n]), bundle[2+n:]
	}
	if len(bundle) > 0 {
		return nil, fmt.Errorf("%d bytes follow its %d entries", len(bundle), want)
	}
	return out, nil
}
