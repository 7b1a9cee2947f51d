package train

import (
	"context"
	"crypto/sha256"
	"encoding/binary"

	"github.com/loupe-vl/loupe/vit/picture"
)

// Pictures says which records are of one picture: those of equal pixels, whatever their files are called. What several
// records say of one picture (rows, raters, copies) is not independent, so a split, a fold, a resample and an expected error
// take whole pictures.
type Pictures struct {
	Of      []int   // of each record, the number of its picture: 0, 1, 2, ... in the order in which they first appear
	Records [][]int // of each picture, its records, ascending
	digests []digest
}

// digest is SHA-256 of a picture's pixels, and its size: two plain pictures of other shapes have the same pixels in a row.
type digest struct {
	pixels        [32]byte
	width, height int
}

// digestOf is the digest of a decoded picture.
func digestOf(img picture.Image) digest {
	return digest{sha256.Sum256(img.Pix), img.Width, img.Height}
}

// bytes is the digest as one string of bytes.
func (d digest) bytes() []byte {
	b := binary.LittleEndian.AppendUint64(d.pixels[:], uint64(d.width))
	return binary.LittleEndian.AppendUint64(b, uint64(d.height))
}

// Len is the number of pictures.
func (p *Pictures) Len() int { return len(p.Records) }

// ReadPictures reads the records' pictures and says which are the same. The error of a picture that cannot be read names its
// record.
func ReadPictures(ctx context.Context, records []Record) (*Pictures, error) {
	digests := make([]digest, len(records))
	known := map[string]digest{}
	for i := range records {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		path := records[i].Image
		d, ok := known[path]
		if !ok {
			img, err := picture.LoadFile(ctx, path, picture.Limits{})
			if err != nil {
				return nil, recordError(&records[i], err)
			}
			d = digestOf(img)
			known[path] = d
		}
		digests[i] = d
	}
	return grouped(digests), nil
}

// grouped puts records of equal digests together.
func grouped(digests []digest) *Pictures {
	p := &Pictures{}
	number := map[digest]int{}
	for i, d := range digests {
		n, ok := number[d]
		if !ok {
			n = len(p.Records)
			number[d] = n
			p.Records, p.digests = append(p.Records, nil), append(p.digests, d)
		}
		p.Of, p.Records[n] = append(p.Of, n), append(p.Records[n], i)
	}
	return p
}
