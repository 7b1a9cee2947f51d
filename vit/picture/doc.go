// Package picture turns the bytes of a picture into what the vision tower reads, to the bit as Pillow 12.1 and
// Qwen2VLImageProcessor do: decoded and turned upright, resized by Pillow's fixed-point bicubic filter, normalized and cut
// into patches in the order of the model.
//
// The kind of a file is told by its content, not by its name. JPEG is decoded by vit/jpeg, the WebP bit streams by
// golang.org/x/image (whose planes are then converted as libwebp converts them), and PNG, GIF, BMP, TIFF and the PNM family
// by the package itself: Go's packages refuse much that Pillow opens, and decode some of it differently. Each decoder
// follows Pillow's reader step by step, with its oddities, or refuses by name what it does not read. For known kinds of
// files that are not read the error says what to do.
//
// May import: vit/jpeg, weights/disk, golang.org/x/image and the standard library.
package picture
