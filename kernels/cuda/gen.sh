#!/usr/bin/env bash
# Compiles the kernels of src/ to kernels.fatbin, lists in kernels.ops the instructions of their PTX, and writes down in kernels.sum what they
# were made from.
#
#   kernels/cuda/gen.sh           write the three files
#   kernels/cuda/gen.sh DIR       write them to DIR, to compare
#
# The compiler comes from PyPI, in versions that fit each other, into a virtual environment below ${XDG_CACHE_HOME:-~/.cache}/loupe-nvcc
# (LOUPE_NVCC names another). It needs a host's g++ as well. The output is the same bytes in any folder and on any machine of the kind.
set -euo pipefail
cd "$(dirname "$0")"
out=${1:-.}

packages="nvidia-cuda-nvcc==13.0.88 nvidia-cuda-crt==13.0.88 nvidia-nvvm==13.0.88 nvidia-cuda-runtime==13.0.96"
# No joined products and sums, correctly rounded quotients and roots, denormals kept.
flags="-x cu -std=c++17 -O3 -fmad=false -prec-div=true -prec-sqrt=true -ftz=false"
archs="80 89 90 100 120" # and PTX of the first, which the driver compiles for GPUs that are newer than all

venv=${LOUPE_NVCC:-${XDG_CACHE_HOME:-$HOME/.cache}/loupe-nvcc}
nvcc=$(echo "$venv"/lib/python3*/site-packages/nvidia/cu13/bin/nvcc)
if [ ! -x "$nvcc" ]; then
  python3 -m venv "$venv"
  # shellcheck disable=SC2086
  "$venv/bin/pip" install -q --retries 1 --timeout 60 $packages
  nvcc=$(echo "$venv"/lib/python3*/site-packages/nvidia/cu13/bin/nvcc)
fi

targets=
for a in $archs; do targets+=" -gencode arch=compute_$a,code=sm_$a"; done
first=${archs%% *}
targets+=" -gencode arch=compute_$first,code=compute_$first"

# shellcheck disable=SC2086
"$nvcc" $flags -fatbin --compress-mode=size $targets -o "$out/kernels.fatbin" src/kernels.cu
# shellcheck disable=SC2086
"$nvcc" $flags -ptx -arch=compute_$first -o "$out/kernels.ptx" src/kernels.cu
awk '/^[[:space:]]*(@!?%p[0-9]+ )?[a-z][a-z0-9]*(\.[a-z0-9:]+)*[[:space:]].*;/ { sub(/^[[:space:]]*(@!?%p[0-9]+ )?/, ""); n[$1]++ } END { for (i in n) print i, n[i] }' "$out/kernels.ptx" |
  LC_ALL=C sort >"$out/kernels.ops"
rm "$out/kernels.ptx"

# What sum_test.go compares: every source, then how they were compiled, then what came out.
{
  (cd src && LC_ALL=C sha256sum -- *.cu *.cuh)
  printf '%s\n' "packages $packages" "flags $flags" "targets$targets"
  (cd "$out" && sha256sum kernels.fatbin kernels.ops)
} >"$out/kernels.sum"
