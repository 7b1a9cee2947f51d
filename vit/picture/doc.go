// Package picture turns the bytes of a picture into what the vision tower reads, to the bit as Pillow 12.1 and
// Qwen2VLImageProcessor do: decoded and turned upright, resized by Pillow's fixed-point bicubic filter, normalized and cut
// into patches in the order of the model.
//
// What a file is, its content tells, not its name. JPEG is decoded by vit/jpeg, the WebP bit streams by golang.org/x/image
// (whose planes are then converted as libwebp converts them), and PNG, GIF, BMP, TIFF and the PNM family by the package
// itself: Go's packages refuse much that Pillow opens, and show some of it otherwise. Each decoder follows Pillow's own
// reader step by step, its oddities included, or refuses by name what it does not read; a kind of file that people have and
// the package does not know is named, with what to do.
//
// May import: vit/jpeg, weights/disk, golang.org/x/image and the standard library.
package picture
