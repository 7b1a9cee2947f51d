#!/usr/bin/env bash
# Puts what kernels/cuda/measure.sh needs into one folder, on a machine with Go, a C compiler and the modules: copy it to a machine with a GPU
# and run measure.sh there.
#
#   kernels/cuda/measure/build.sh DIR [GOLDEN]
#
# GOLDEN, a folder with golden checkpoints a and b, is taken along as DIR/golden: their models and the cases that are compared. Programs are
# packed where xz is there (measure.sh unpacks them); MEASURE_PACK=0 leaves them as they are.
set -euo pipefail
[ $# -ge 1 ] || { echo "build.sh: give the folder to make" >&2; exit 2; }
mkdir -p "$1"
dir=$(cd "$1" && pwd)
golden=${2:+$(cd "$2" && pwd)}
cd "$(dirname "$0")/../../.."

go() { CGO_ENABLED=1 command go "$@"; }
go build -tags cuda -trimpath -ldflags "-s -w" -o "$dir/loupe" ./cmd/loupe
CGO_ENABLED=0 command go build -trimpath -ldflags "-s -w" -o "$dir/measure" ./kernels/cuda/measure
go test -c -tags cuda -trimpath -ldflags "-s -w" -o "$dir/cuda.test" ./kernels/cuda
go test -c -tags cuda -trimpath -ldflags "-s -w" -o "$dir/runtime.test" ./runtime
go test -c -tags cuda -trimpath -ldflags "-s -w" -o "$dir/train.test" ./runtime/train

mkdir -p "$dir/cuda" "$dir/runtime/train"
cp -r runtime/testdata "$dir/runtime/"
cp -r kernels/cuda/src kernels/cuda/fatbin kernels/cuda/gen.sh "$dir/cuda/" # of which tests read what the kernels are made of
cp kernels/cuda/measure.sh kernels/cuda/measure/peer_torch.py "$dir/"
"$dir/measure" pictures "$dir"
git describe --always --dirty >"$dir/built" 2>/dev/null || echo unknown >"$dir/built"
if [ -n "$golden" ]; then
  for g in a b; do
    [ -d "$golden/$g/model" ] || continue
    mkdir -p "$dir/golden/$g/cases"
    cp -r "$golden/$g/model" "$dir/golden/$g/"
    cp "$golden/$g/cases/text.json" "$golden/$g/cases/image.json" "$dir/golden/$g/cases/"
  done
fi

if [ "${MEASURE_PACK:-1}" = 1 ] && command -v xz >/dev/null; then
  # The programs hold the same embedded model each: a window that spans them all keeps it once.
  (cd "$dir" && tar -c loupe measure cuda.test runtime.test train.test | xz --lzma2=preset=3,dict=128MiB >programs.tar.xz && rm loupe measure cuda.test runtime.test train.test)
fi
size=$(du -sm "$dir" | cut -f1)
echo "$dir: $size MB"
[ "$size" -lt 60 ] || { [ "${MEASURE_PACK:-1}" = 0 ] || { echo "build.sh: it is more than 60 MB" >&2; exit 1; }; }
