package loupe

import (
	"context"
	"fmt"

	"github.com/loupe-vl/loupe/tokenizer"
	"github.com/loupe-vl/loupe/weights/disk"
)

// CleanAndCorrupted reads the two inputs of activation patching: f is the clean one. other is the messages file of the corrupted
// one, like f.Messages, or "" for the same words about other pictures or videos. Its parts without a path take images and videos
// in order; where there are none, those of f that f's own conversation leaves over; and where it leaves none, the same ones as f's.
func (f Files) CleanAndCorrupted(ctx context.Context, other string, images, videos []string) (clean, corrupted Input, err error) {
	ownImages, ownVideos := len(f.Images), len(f.Videos)
	if f.Messages != "" {
		if ownImages, ownVideos, err = pathless(f.Messages); err != nil {
			return clean, corrupted, err
		}
	}
	second := Files{Messages: other, FPS: f.FPS}
	wantImages, wantVideos := ownImages, ownVideos
	if other == "" {
		second = f
		second.Images, second.Videos = nil, nil
	} else if wantImages, wantVideos, err = pathless(other); err != nil {
		return clean, corrupted, err
	}
	f.Images, second.Images = divide(f.Images, ownImages, images, wantImages)
	f.Videos, second.Videos = divide(f.Videos, ownVideos, videos, wantVideos)
	if clean, err = f.Read(ctx); err != nil {
		return clean, corrupted, err
	}
	if corrupted, err = second.Read(ctx); err != nil {
		err = fmt.Errorf("the second conversation: %w", err)
	}
	return clean, corrupted, err
}

// divide gives the first own of the files to one conversation, and to the other, which wants some, what is its own, or what is
// left, or the same.
func divide(files []string, own int, others []string, want int) (first, second []string) {
	own = min(own, len(files))
	switch {
	case others != nil:
		return files, others
	case own < len(files):
		return files[:own], files[own:]
	case want > 0:
		return files, files
	}
	return files, nil
}

// pathless counts the image and video parts of a messages file that name no file.
func pathless(path string) (images, videos int, err error) {
	data, err := disk.Read(path, disk.JSONLimit)
	if err != nil {
		return 0, 0, fmt.Errorf("read messages: %w", err)
	}
	messages, err := tokenizer.ParseMessages(data)
	if err != nil {
		return 0, 0, fmt.Errorf("read messages %s: %w", path, err)
	}
	for _, m := range messages {
		for _, part := range m.Parts {
			switch {
			case part.Type == tokenizer.ImagePart && part.Path == "":
				images++
			case part.Type == tokenizer.VideoPart && part.Path == "" && part.Frames == nil:
				videos++
			}
		}
	}
	return images, videos, nil
}
