#!/usr/bin/env bash
# Everything that needs a real GPU, in under eight minutes, in order of worth, from the files that kernels/cuda/measure/build.sh put beside
# this script: no compiler and no network.
#
#   measure.sh [--out DIR] [--golden DIR] [--shape 7b] [--seconds 480] [--only PART,PART] [--skip PART,PART]
#
# DIR/measure.json is written anew after every part, so that it is whole whenever the run ends: by an error, a part's time limit, the end of
# all time, or Ctrl-C. --golden is the folder that holds a and b (default: the one beside this script, or the committed case).
# LOUPE_CUDA_LIBRARY names another driver than the system's, to try this script on. Exit status: 0 all parts went well, 1 some did not,
# 2 the command line was wrong, 130 it was interrupted.
set -u
export LC_ALL=C
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# In order of worth, with a limit of seconds for each.
parts="facts:10 tests:40 random:30 golden:40 models:50 lora:30 memcheck:30 racecheck:30 peaks:15
bench-exact:30 bench-int8:25 bench-bf16-mma:25 bench-int4:20 train-exact:30 train-int8:20 train-bf16-mma:20 torch:50 bench-bf16:20"

golden=$here/golden
[ -d "$golden" ] || golden=$here/runtime/testdata # the committed case
out=measure shape=7b seconds=480 only= skip= part=
while [ $# -gt 0 ]; do
  case $1 in
  --out | --golden | --shape | --seconds | --only | --skip | --part)
    [ $# -ge 2 ] || { echo "measure.sh: $1 needs a value" >&2; exit 2; }
    printf -v "${1#--}" %s "$2"
    shift 2
    ;;
  *)
    echo "measure.sh: $1 is no flag of this; there are --out, --golden, --shape, --seconds, --only and --skip" >&2
    exit 2
    ;;
  esac
done
case $seconds in '' | *[!0-9]*) echo "measure.sh: --seconds is $seconds; give a whole number" >&2; exit 2 ;; esac
for p in ${only//,/ } ${skip//,/ }; do
  case " ${parts//$'\n'/ } " in *" $p:"*) ;; *) echo "measure.sh: there is no part $p" >&2; exit 2 ;; esac
done

# What is measured: of the shape of a real model, or, to try this script, next to nothing.
tokens=2048 batch=8,32 answer=80 each=2 big=$here/896.png small=$here/448.png random=24 steps=64
if [ "$shape" = demo ]; then
  tokens=4 batch=2 answer=2 each=0.01 random=1 steps=2
fi
cuda=(--device cuda)

# Where the driver is not where the system's loader looks.
if [ -z "${LOUPE_CUDA_LIBRARY:-}" ]; then
  export LOUPE_CUDA_LIBRARY=libcuda.so.1
  for d in /usr/local/nvidia/lib64 /usr/lib/wsl/lib /usr/local/cuda/compat; do
    [ -e "$d/libcuda.so.1" ] && LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$d
  done
  export LD_LIBRARY_PATH
fi

# go_test BINARY FOLDER ARGS...: a test binary, verbose, and a JSON object of what came of it.
go_test() {
  local name=$1 log rc=0
  log=$(mktemp)
  (cd "$2" && "$here/$name.test" -test.v "${@:3}") >"$log" 2>&1 || rc=$?
  grep -E '^ *(--- FAIL|--- SKIP|panic|FAIL|PASS)|seed [0-9]|_test.go:[0-9]+:' "$log" | grep -vE '_test.go:[0-9]+: (set LOUPE_LONG|LOUPE_NVCC)' | head -c 5000 >&2
  [ "$rc" -eq 0 ] || tail -c 2000 "$log" >&2
  printf '{"what":"go test","binary":"%s","exit":%d,"passed":%d,"failed":%d,"skipped":%d}\n' "$name" "$rc" \
    "$(grep -c '^ *--- PASS' "$log")" "$(grep -c '^ *--- FAIL' "$log")" "$(grep -c '^ *--- SKIP' "$log")"
  grep -oE 'seed [0-9]+: [0-9]+ comparisons' "$log" | sed -E 's/seed ([0-9]+): ([0-9]+) .*/{"what":"random shapes","seed":\1,"comparisons":\2}/'
  if [ "$rc" -eq 0 ] && ! grep -q '^ *--- PASS' "$log"; then
    echo "no test ran" >&2
    rc=1
  fi
  rm -f "$log"
  return "$rc"
}

# digest ARGS...: of every logit of an answer.
digest() { "$here/loupe" generate --json --max-tokens "$steps" "$@" | grep -oE '"logits_sha256": *"[0-9a-f]{64}"' | grep -oE '[0-9a-f]{64}'; }

# The program on both devices, by the digest of all logits: a text and a picture, in each precision, for each golden folder.
part_golden() {
  local dir g precision case want got bad=0 n=0 args
  for dir in "$golden"/a "$golden"/b "$golden"/golden; do
    [ -d "$dir/model" ] || continue
    g=$(basename "$dir")
    for precision in exact bf16 int8 int4; do
      for case in text image; do
        [ -e "$dir/cases/$case.json" ] || continue
        args=(--model "$dir/model" --messages "$dir/cases/$case.json" --precision "$precision")
        [ "$case" = text ] || args+=(--image "$small" --max-pixels 50176)
        [ "$shape" = demo ] && { [ "$precision$case" = int8text ] || continue; }
        n=$((n + 1))
        want=$(digest "${args[@]}") got=$(digest "${args[@]}" "${cuda[@]}")
        if [ -n "$want" ] && [ "$want" = "$got" ]; then
          printf '{"what":"logits","golden":"%s","case":"%s","precision":"%s","equal":true,"logits_sha256":"%s"}\n' "$g" "$case" "$precision" "$got"
        else
          bad=$((bad + 1))
          printf '{"what":"logits","golden":"%s","case":"%s","precision":"%s","equal":false,"cpu":"%s","cuda":"%s"}\n' "$g" "$case" "$precision" "$want" "$got"
        fi
      done
    done
  done
  [ "$n" -gt 0 ] || { echo "$golden holds neither a nor b; give --golden the folder that does" >&2; return 1; }
  [ "$bad" -eq 0 ]
}

part_facts() {
  local f
  uname -srm >&2
  nproc >&2
  "$here/loupe" --version >&2
  if ! command -v nvidia-smi >/dev/null; then
    echo "no nvidia-smi" >&2
    [ "$shape" = demo ] # where only this script is tried there need be none
    return
  fi
  local fields=name,driver_version,compute_cap,memory.total,clocks.max.sm,clocks.max.memory,clocks.sm,clocks.memory,power.limit,power.draw,temperature.gpu,ecc.mode.current,pcie.link.gen.current,pcie.link.width.current
  local -a v
  IFS=, read -r -a v < <(nvidia-smi --query-gpu="$fields" --format=csv,noheader --id=0 | head -n 1 | tr -d '"\\\t')
  printf '{"what":"gpu"'
  for f in ${fields//,/ }; do
    printf ',"%s":"%s"' "$f" "$(printf %s "${v[0]:-}" | sed "s,^ ,,")"
    v=("${v[@]:1}")
  done
  printf '}\n'
  nvidia-smi >&2
}

part_tests() { go_test cuda "$here/cuda" -test.skip 'TestEverything$|TestKernels|TestInstructions' -test.timeout 2m; }
part_random() {
  LOUPE_SEED=$((RANDOM * 32768 + RANDOM)) LOUPE_SECONDS=$random LOUPE_SMALL=$([ "$shape" = demo ] && echo 1) go_test cuda "$here/cuda" -test.run 'TestEverything$'
}
long() { [ "$shape" = demo ] || export LOUPE_LONG=1; }
part_models() { long; go_test runtime "$here/runtime" -test.run "$([ "$shape" = demo ] && echo FakeGPURandom || echo FakeGPU)" -test.timeout 2m; }
part_lora() { long; go_test train "$here/runtime/train" -test.run FakeGPU -test.timeout 2m; }

# sanitizer TOOL: compute-sanitizer over every operation at small shapes.
sanitizer() {
  local tool d
  tool=$(command -v compute-sanitizer)
  for d in "$here"/sanitizer /usr/local/cuda*/bin /usr/local/cuda*/compute-sanitizer /opt/nvidia/*/compute-sanitizer; do
    [ -n "$tool" ] || { [ -x "$d/compute-sanitizer" ] && tool=$d/compute-sanitizer; }
  done
  [ -n "$tool" ] || skipped "there is no compute-sanitizer"
  (cd "$here/cuda" && LOUPE_SECONDS=4 LOUPE_SMALL=1 "$tool" --tool "$1" --error-exitcode 9 --print-limit 20 "$here/cuda.test" -test.run 'TestEverything$' -test.v)
}
part_memcheck() { sanitizer memcheck >&2; }
part_racecheck() { sanitizer racecheck >&2; }

bench() { "$here/loupe" bench --json "${cuda[@]}" --shape "$shape" --seconds "$each" "$@"; }
part_peaks() { bench --shape demo --what decode --seconds "$each" --precision exact; }
speeds() {
  if [ "$shape" = demo ]; then
    bench --precision "$1" --what prefill,decode,batch --tokens "$tokens" --batch "$batch"
  else
    bench --precision "$1" --what prefill,decode,image,batch --tokens "$tokens" --batch "$batch" --image "$big"
  fi
}
lora() {
  [ "$shape" = demo ] && skipped "a training step takes too long on a fake driver"
  bench --precision "$1" --what train --answer "$answer" --image "$small"
}
part_torch() {
  python3 -c 'import sys, torch, transformers; sys.exit(not torch.cuda.is_available())' 2>/dev/null || skipped "there is no python3 with torch, transformers and a GPU"
  python3 "$here/peer_torch.py" --tokens "$tokens" --answer "$answer"
}

# skipped WHY: ends a part that cannot run here.
skipped() {
  printf '%s' "$1" >"$LOUPE_PART/why"
  exit 77
}

if [ -n "$part" ]; then # within a run of this script: one part
  case $part in
  bench-*) speeds "${part#bench-}" ;;
  train-*) lora "${part#train-}" ;;
  *) "part_$part" ;;
  esac
  exit
fi

if [ -e "$here/programs.tar.xz" ] && [ ! -x "$here/loupe" ]; then
  tar -xJf "$here/programs.tar.xz" -C "$here" 2>/dev/null || python3 -c 'import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])' "$here/programs.tar.xz" "$here" ||
    { echo "measure.sh: $here/programs.tar.xz cannot be unpacked; it needs tar with xz, or python3" >&2; exit 1; }
fi
for f in loupe measure; do
  [ -x "$here/$f" ] || { echo "measure.sh: there is no $here/$f; run kernels/cuda/measure/build.sh on a machine with Go, and this script from the folder that it makes" >&2; exit 1; }
done
rm -rf "$out/parts" "$out/finished" "$out/ended"
mkdir -p "$out/parts" || exit 1
out=$(cd "$out" && pwd)
date -u +%Y-%m-%dT%H:%M:%SZ >"$out/began"
cp "$here/built" "$out/built" 2>/dev/null

collect() { "$here/measure" collect "$out"; }
child= dir=
# over WHY STATUS: ends the run, and what runs of it.
over() {
  trap '' INT TERM HUP
  if [ -n "$child" ]; then
    kill -TERM "$child" 2>/dev/null
    wait "$child"
    kill -KILL -- "-$child" 2>/dev/null
    echo interrupted >"$dir/status"
    echo $((SECONDS - from)) >"$dir/seconds"
  fi
  echo "$1" >"$out/ended"
  collect
  exit "$2"
}
trap 'over "it was interrupted" 130' INT TERM HUP

failed=0 n=0
for p in $parts; do
  name=${p%:*} limit=${p#*:} n=$((n + 1))
  if [ -n "$only" ] && [[ ,$only, != *,$name,* ]]; then continue; fi
  dir=$out/parts/$(printf %02d "$n")-$name from=$SECONDS left=$((seconds - SECONDS - 8)) # a part that does not end is killed, which takes five
  mkdir -p "$dir"
  if [[ ,$skip, = *,$name,* ]]; then
    echo skipped >"$dir/status"
    echo "it was not wanted" >"$dir/why"
    continue
  fi
  if [ "$left" -lt 3 ]; then
    echo skipped >"$dir/status"
    echo "there was no time left" >"$dir/why"
    failed=1
    continue
  fi
  [ "$limit" -le "$left" ] || limit=$left
  echo "$limit" >"$dir/limit"
  collect
  printf '%-16s' "$name" >&2
  LOUPE_PART=$dir timeout -k 5 "${MEASURE_LIMIT:-$limit}" bash "$here/measure.sh" --part "$name" --golden "$golden" --shape "$shape" >"$dir/out" 2>"$dir/err" </dev/null &
  child=$!
  wait "$child"
  rc=$?
  kill -KILL -- "-$child" 2>/dev/null # what timeout leaves: it ends the part alone, and a GPU has no room for two
  child=
  case $rc in 0) status=ok ;; 77) status=skipped ;; 124 | 137) status=timeout ;; *) status=failed ;; esac
  echo "$rc" >"$dir/exit"
  echo $((SECONDS - from)) >"$dir/seconds"
  echo "$status" >"$dir/status"
  case $status in ok | skipped) ;; *) failed=1 ;; esac
  printf '%s, %d s%s\n' "$status" $((SECONDS - from)) "$([ -e "$dir/why" ] && printf ': %s' "$(cat "$dir/why")")" >&2
done
echo yes >"$out/finished"
collect || exit 1
echo "$out/measure.json" >&2
exit "$failed"
