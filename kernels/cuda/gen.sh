#!/usr/bin/env bash
# Compiles the kernels, each file NAME.cu of src/ to four files in fatbin/:
#
#   NAME.fatbin   for every GPU
#   NAME.ops      the instructions of its PTX
#   NAME.use      registers, shared memory and spilled bytes of each kernel on each GPU
#   NAME.sum      what they were made from
#
#   kernels/cuda/gen.sh           compile what is no longer of its source
#   kernels/cuda/gen.sh DIR       compile everything into DIR, to compare
#
# The compiler comes from PyPI, in versions that fit each other, into a virtual environment below ${XDG_CACHE_HOME:-~/.cache}/loupe-nvcc
# (LOUPE_NVCC names another). It needs a host's g++ as well. The output is the same bytes in any folder and on any machine of the kind.
set -euo pipefail
cd "$(dirname "$0")"
out=${1:-fatbin}

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

# sources NAME: NAME.cu and the headers that it includes, each before those that it includes itself.
sources() {
  local header
  grep -qxF "$1" <<<"$seen" && return
  seen+=$'\n'$1
  for header in $(sed -n 's/^#include "\(.*\.cuh\)"/\1/p' "src/$1"); do sources "$header"; done
}

# made_from NAME: the beginning of NAME.sum, which sum_test.go compares: every source, then how they were compiled.
made_from() {
  seen=
  sources "$1.cu"
  # shellcheck disable=SC2086
  (cd src && LC_ALL=C sha256sum -- $seen)
  printf '%s\n' "packages $packages" "flags $flags" "targets$targets"
}

for source in src/*.cu; do
  name=$(basename "$source" .cu)
  from=$(made_from "$name")
  if [ "$out" = fatbin ] && [ -f "fatbin/$name.sum" ] && [ "$(head -n -3 "fatbin/$name.sum")" = "$from" ]; then
    continue
  fi
  echo "$name"
  # shellcheck disable=SC2086
  "$nvcc" $flags -fatbin --compress-mode=size --resource-usage $targets -o "$out/$name.fatbin" "$source" 2>"$out/$name.log" || { cat "$out/$name.log"; exit 1; }
  awk -F"'" '/Compiling entry function/ { kernel = $2; arch = $4 }
    / bytes spill stores/ { split($0, n, /[ ,]+/); for (i in n) if (n[i] == "spill") { if (n[i+1] ~ /stores/) stores = n[i-2]; else loads = n[i-2] } }
    /Used [0-9]+ registers/ { match($0, /Used [0-9]+/); regs = substr($0, RSTART + 5, RLENGTH - 5); smem = 0
      if (match($0, /[0-9]+ bytes smem/)) { smem = substr($0, RSTART, RLENGTH); sub(/ .*/, "", smem) }
      print kernel, arch, "registers", regs, "shared", smem, "spilled", stores + loads }' "$out/$name.log" | LC_ALL=C sort >"$out/$name.use"
  # shellcheck disable=SC2086
  "$nvcc" $flags -ptx -arch=compute_$first -o "$out/$name.ptx" "$source"
  awk '/^[[:space:]]*(@!?%p[0-9]+ )?[a-z][a-z0-9]*(\.[a-z0-9:]+)*[[:space:]].*;/ { sub(/^[[:space:]]*(@!?%p[0-9]+ )?/, ""); n[$1]++ } END { for (i in n) print i, n[i] }' "$out/$name.ptx" |
    LC_ALL=C sort >"$out/$name.ops"
  rm "$out/$name.ptx" "$out/$name.log"
  {
    printf '%s\n' "$from"
    (cd "$out" && sha256sum "$name.fatbin" "$name.ops" "$name.use")
  } >"$out/$name.sum"
done
