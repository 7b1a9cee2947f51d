module example.com/outside

go 1.26.0

require github.com/loupe-vl/loupe v0.0.0

require (
	github.com/chewxy/math32 v1.11.1 // indirect
	github.com/dlclark/regexp2 v1.12.0 // indirect
	github.com/nlpodyssey/gotokenizers v0.2.0 // indirect
	github.com/x448/float16 v0.8.4 // indirect
	golang.org/x/image v0.47.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.43.0 // indirect
	gonum.org/v1/gonum v0.17.0 // indirect
)

replace github.com/loupe-vl/loupe => ../../../..
