package picture

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// official is the processor of testdata/make.py: the published means and deviations, and a small limit.
func official() Processor {
	return Processor{MinPixels: 3136, MaxPixels: 20000, PatchSize: 14, TemporalPatchSize: 2, MergeSize: 2,
		Mean: [3]float64{0.48145466, 0.4578275, 0.40821073}, Std: [3]float64{0.26862954, 0.26130258, 0.27577711}}
}

// TestProcessorImage compares every float32 of the patches, and their order, with transformers' image processor.
func TestProcessorImage(t *testing.T) {
	for _, c := range readResizeTable(t).Patches {
		t.Run(fmt.Sprint(c.From), func(t *testing.T) {
			got, err := official().Image(formula(c.From[0], c.From[1]))
			if err != nil {
				t.Fatal(err)
			}
			if got.GridTHW != c.Grid {
				t.Errorf("the grid is %v, want %v", got.GridTHW, c.Grid)
			}
			if shaFloats(got.Data) != c.Values {
				t.Error("the values differ from the reference's")
			}
		})
	}
}

// TestProcessorVideo: the frames of a pair stand one behind the other in each channel of a patch, and the last of an odd
// number is repeated.
func TestProcessorVideo(t *testing.T) {
	a, b := formula(56, 56), newImage(56, 56)
	p := official()
	patches := func(frames ...Image) Patches {
		out, err := p.Video(frames)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	odd, even := patches(a, b, a), patches(a, b, a, a)
	if diff := cmp.Diff(even, odd); diff != "" {
		t.Errorf("an odd number of frames: (-want +got)\n%s", diff)
	}
	if want := [3]int{2, 4, 4}; odd.GridTHW != want {
		t.Errorf("the grid is %v, want %v", odd.GridTHW, want)
	}
	// In a run of 14 x 14 values, those of even number are of the first frame, those of odd number of the second.
	first, second := patches(a).Data, patches(b).Data
	for i, v := range odd.Data[:len(first)] {
		want := first[i]
		if i/(14*14)%2 == 1 {
			want = second[i]
		}
		if v != want {
			t.Fatalf("value %d is %g, want %g", i, v, want)
		}
	}
}

// TestProcessorRefuses has the pictures and videos that cannot be cut into patches.
func TestProcessorRefuses(t *testing.T) {
	p := official()
	small := p
	small.MinPixels = 0
	for _, c := range []struct {
		name   string
		p      Processor
		frames []Image
		want   string
	}{
		{"no frames", p, nil, "no frames"},
		{"unequal frames", p, []Image{formula(30, 30), formula(30, 31)}, "frame 2 is 30 x 31 and the first 30 x 30"},
		{"long", p, []Image{formula(201, 1)}, "201 times the other"},
		{"to nothing", small, []Image{formula(5, 5)}, "resized to nothing"},
		{"empty", p, []Image{{}}, "cannot be resized"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := c.p.Video(c.frames); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v, want one that says %q", err, c.want)
			}
		})
	}
}
