package train

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"

	"github.com/loupe-vl/loupe/vit/picture"
)

// Pictures says which records share a picture, that is, have equal pixels, whatever their files are called. Several records
// of one picture (rows, raters, copies) are not independent. So a split, a fold and a bootstrap sample take whole pictures.
type Pictures struct {
	Of      []int      // of each record, the number of its picture: 0, 1, 2, ... in the order in which they first appear
	Records [][]int    // of each picture, its records, ascending; of several pictures, where a record shows them together
	digests []digest   // of each picture
	shown   [][]digest // of each record, what it shows
}

// digest is the SHA-256 of a picture's pixels, and its size: two plain pictures of different shapes can have the same
// bytes.
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
	digests := make([][]digest, len(records))
	known := map[string]digest{}
	for i := range records {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for _, path := range records[i].images() {
			d, ok := known[path]
			if !ok {
				img, err := picture.LoadFile(ctx, path, picture.Limits{})
				if err != nil {
					return nil, recordError(&records[i], err)
				}
				d = digestOf(img)
				known[path] = d
			}
			digests[i] = append(digests[i], d)
		}
		if digests[i] == nil {
			digests[i] = records[i].digests(nil)
		}
	}
	return groupedBy(digests), nil
}

// groupedBy puts records together that share a picture, directly or through others: a record of two pictures links the
// records of both.
func groupedBy(digests [][]digest) *Pictures {
	link := map[digest]digest{}
	root := func(d digest) digest {
		for link[d] != d {
			d = link[d]
		}
		return d
	}
	for _, of := range digests {
		for i, d := range of {
			if _, ok := link[d]; !ok {
				link[d] = d
			}
			a, b := root(of[0]), root(d)
			if i > 0 && a != b { // the root is the least, so that the order of the records does not matter
				if bytes.Compare(a.bytes(), b.bytes()) > 0 {
					a, b = b, a
				}
				link[b] = a
			}
		}
	}
	roots := make([]digest, len(digests))
	for i, of := range digests {
		roots[i] = root(of[0])
	}
	return grouped(roots, digests)
}

// some are the pictures of some of the records, which are numbered anew.
func (p *Pictures) some(records []int) *Pictures {
	var roots []digest
	var shown [][]digest
	for _, i := range records {
		roots, shown = append(roots, p.digests[p.Of[i]]), append(shown, p.shown[i])
	}
	return grouped(roots, shown)
}

// grouped puts records of equal digests together.
func grouped(digests []digest, shown [][]digest) *Pictures {
	p := &Pictures{shown: shown}
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
