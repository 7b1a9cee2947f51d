// Package jpeg decodes JPEG files to the bit as Pillow with libjpeg-turbo does: the accurate integer inverse transform
// (ISLOW), "fancy" upsampling of the chroma planes, the fixed-point color conversion, and its ways with damaged data.
// Go's image/jpeg differs from it by up to 55 levels.
//
// It reads baseline, extended and progressive files of 8 bits with Huffman coding, any sampling, restart markers, gray,
// YCbCr, RGB, CMYK and YCCK. Arithmetic coding, 12 bits, lossless and hierarchical files are refused.
//
// May import: the standard library.
package jpeg
