#!/usr/bin/env bash
# Says what the loops of the compiled kernels are made of: kernels/cuda/sass has what the columns mean.
#
#   kernels/cuda/sass.sh product_tile 90 'tile_f32|tile_bf16'     the file, the compute capability (90), which kernels (all)
#   kernels/cuda/sass.sh --listing product_tile 90                 the instructions themselves
#
# The disassembler comes from PyPI, into a virtual environment below ${XDG_CACHE_HOME:-~/.cache}/loupe-sass (LOUPE_SASS names another).
set -euo pipefail
cd "$(dirname "$0")"
packages="nvidia-cuda-cuobjdump==13.5.37 nvidia-cuda-nvdisasm==13.5.37"

listing=
if [ "${1:-}" = --listing ]; then listing=yes; shift; fi
name=${1:?which file of src, without .cu}
arch=${2:-90}
kernels=${3:-.}

venv=${LOUPE_SASS:-${XDG_CACHE_HOME:-$HOME/.cache}/loupe-sass}
bin=$(echo "$venv"/lib/python3*/site-packages/nvidia/cu13/bin)
if [ ! -x "$bin/nvdisasm" ]; then
  python3 -m venv "$venv"
  # shellcheck disable=SC2086
  "$venv/bin/pip" install -q --retries 1 --timeout 60 --no-deps $packages
  bin=$(echo "$venv"/lib/python3*/site-packages/nvidia/cu13/bin)
fi

out=$(mktemp -d)
trap 'rm -r "$out"' EXIT
fatbin=$PWD/fatbin/$name.fatbin
(cd "$out" && "$bin/cuobjdump" -xelf "sm_$arch" "$fatbin" >/dev/null)
if [ -n "$listing" ]; then
  "$bin/nvdisasm" -c "$out"/*.cubin
else
  "$bin/nvdisasm" -hex "$out"/*.cubin | go run ./sass --use "fatbin/$name.use" --arch "$arch" --kernels "$kernels"
fi
