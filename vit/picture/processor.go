package picture

import "fmt"

// Processor cuts pictures into patches as Qwen2VLImageProcessor does, and videos as Qwen2VLVideoProcessor.
type Processor struct {
	MinPixels, MaxPixels         int // area of a resized picture
	PatchSize, TemporalPatchSize int
	MergeSize                    int
	Mean, Std                    [3]float64
	// MaxVideoTokens bounds the merged patches of a whole video, where the model caps them (cap_pixels_per_frame); 0: no bound.
	MaxVideoTokens int
}

// Patches are the pixels of one picture or video in the order of the model.
type Patches struct {
	// Data is (t*h*w, 3*TemporalPatchSize*PatchSize*PatchSize) for GridTHW (t, h, w): blocks of MergeSize x MergeSize
	// patches one after the other, and in a patch channel, frame, row, column.
	Data    []float32
	GridTHW [3]int
}

// Image resizes a picture and cuts it into patches; the picture stands for each of TemporalPatchSize frames.
func (p Processor) Image(img Image) (Patches, error) {
	return p.Video([]Image{img})
}

// Video resizes the frames of a video, which are of one size, and cuts them into patches; the last frame is repeated
// until TemporalPatchSize divides their number.
func (p Processor) Video(frames []Image) (Patches, error) {
	if len(frames) == 0 {
		return Patches{}, fmt.Errorf("the video has no frames")
	}
	unit := p.PatchSize * p.MergeSize
	h, w, err := SmartResize(frames[0].Height, frames[0].Width, unit, p.MinPixels, p.maxPixels(len(frames)))
	if err != nil {
		return Patches{}, err
	}
	if h == 0 || w == 0 {
		return Patches{}, fmt.Errorf("a picture of %d x %d pixels would be resized to nothing; raise Options.MinPixels", frames[0].Width, frames[0].Height)
	}
	resized := make([]frame, len(frames))
	for i, f := range frames {
		if f.Width != frames[0].Width || f.Height != frames[0].Height {
			return Patches{}, fmt.Errorf("frame %d is %d x %d and the first %d x %d; the frames of a video must be of one size", i+1, f.Width, f.Height, frames[0].Width, frames[0].Height)
		}
		if f.Tensor && (w != f.Width || h != f.Height) {
			resized[i] = frame{Image{Width: w, Height: h}, resizeFloats(f, w, h)}
		} else {
			resized[i].Image = Resize(f.OnWhite(), w, h)
		}
	}
	for len(resized)%p.TemporalPatchSize != 0 {
		resized = append(resized, resized[len(resized)-1])
	}
	grid := [3]int{len(resized) / p.TemporalPatchSize, h / p.PatchSize, w / p.PatchSize}
	return Patches{Data: p.cut(resized, grid), GridTHW: grid}, nil
}

// maxPixels is the largest area of each of n frames. If the model caps them it is an even share of nine tenths of
// MaxVideoTokens (Qwen2VLVideoProcessor.resize).
func (p Processor) maxPixels(n int) int {
	if p.MaxVideoTokens == 0 {
		return p.MaxPixels
	}
	unit := p.PatchSize * p.MergeSize
	total := int(float64(p.MaxVideoTokens*unit*unit) * 0.9)
	return max(min(p.MaxPixels, total*p.TemporalPatchSize/n), int(float64(p.MinPixels)*1.05))
}

// OnWhite is the picture with its transparent color shown white.
func (img Image) OnWhite() Image {
	if img.Key == nil {
		return img
	}
	out := img.clone()
	for i := 0; i < len(out.Pix); i += 3 {
		if [3]byte(out.Pix[i:]) == *img.Key {
			out.Pix[i], out.Pix[i+1], out.Pix[i+2] = 255, 255, 255
		}
	}
	return out
}

// frame is a resized picture. Where floats is set, it stands in place of Pix.
type frame struct {
	Image
	floats []float32
}

// cut writes the patches in the order of the model.
func (p Processor) cut(frames []frame, grid [3]int) []float32 {
	table := p.table()
	size, merge := p.PatchSize, p.MergeSize
	out := make([]float32, 0, grid[0]*grid[1]*grid[2]*3*p.TemporalPatchSize*size*size)
	for t := range grid[0] {
		pair := frames[t*p.TemporalPatchSize:][:p.TemporalPatchSize]
		for by := 0; by < grid[1]; by += merge {
			for bx := 0; bx < grid[2]; bx += merge {
				for y := by; y < by+merge; y++ {
					for x := bx; x < bx+merge; x++ {
						out = p.patch(out, pair, y*size, x*size, table)
					}
				}
			}
		}
	}
	return out
}

// patch appends the patch at (y, x): channel, frame, row, column.
func (p Processor) patch(out []float32, frames []frame, y, x int, table *[3][256]float32) []float32 {
	size := p.PatchSize
	for c := range 3 {
		mean, std := float32(p.Mean[c]), float32(p.Std[c])
		for _, f := range frames {
			for row := y; row < y+size; row++ {
				if f.floats != nil {
					for i := range size {
						out = append(out, (f.floats[3*(row*f.Width+x+i)+c]/255-mean)/std)
					}
					continue
				}
				src := f.Pix[3*(row*f.Width+x)+c:]
				for i := range size {
					out = append(out, table[c][src[3*i]])
				}
			}
		}
	}
	return out
}

// table is (u/255 - mean) / std of each byte u and channel, each step rounded to float32 as NumPy and torch round it.
func (p Processor) table() *[3][256]float32 {
	var t [3][256]float32
	for c := range 3 {
		mean, std := float32(p.Mean[c]), float32(p.Std[c])
		for u := range 256 {
			t[c][u] = (float32(u)/255 - mean) / std
		}
	}
	return &t
}
