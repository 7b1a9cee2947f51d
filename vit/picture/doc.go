// Package picture turns the bytes of a picture into what the vision tower reads, to the bit as Pillow 12.1 and
// Qwen2VLImageProcessor do: decoded and turned upright, resized by Pillow's fixed-point bicubic filter, normalised and cut
// into patches in the order of the model.
//
// What a file is, its content tells, not its name. JPEG is decoded by vit/jpeg; PNG, BMP, TIFF and the WebP bit streams by
// Go's packages, whose planes and palettes are read field by field, since their colour conversions differ from Pillow's;
// GIF by the package itself.
//
// May import: vit/jpeg, weights/disk, golang.org/x/image and the standard library.
package picture
