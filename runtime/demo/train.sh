#!/usr/bin/env bash
# Makes the embedded demonstration model: paints pictures, trains on them from random weights with loupe's own train, rounds
# the weights to bf16, and holds what came out against pictures that it has not seen. Run it from the module's root:
#
#	runtime/demo/train.sh [-n] WORK [OUT]
#
# WORK is an empty folder for pictures and runs, of 1 GB. OUT, by default runtime/demo, gets picture.png, model/ and
# train.log. With -n there is no evaluation. The files come out the same to the bit each time, on every
# machine and with any number of threads.
set -eu

evaluate=1
if [ "${1:-}" = -n ]; then evaluate=; shift; fi
if [ $# -lt 1 ]; then echo "usage: train.sh [-n] WORK [OUT]" >&2; exit 2; fi
work=$1 out=${2:-runtime/demo}
mkdir -p "$work" "$out"
log=$out/train.log
: > "$log"
go build -o "$work/loupe" ./cmd/loupe
go build -o "$work/gen" ./runtime/demo/gen
out=$(cd "$out" && pwd) log=$out/train.log
cd "$work"

say() { echo "$*" | tee -a "$log"; }

# timed COMMAND...: says what is run and how long it took, on the clock and on the processor.
timed() {
	say "\$ $*"
	{ time -p "$@" > last 2>&1; } 2> took || { cat last took; exit 1; }
	say "# $(awk '$1 == "real" { r = $2 } $1 != "real" { c += $2 } END { printf "%.0f s on the clock, %.0f s of processors", r, c }' took)"
	rm -rf ./*/checkpoints
}

# paint COUNT SEED DIR, and beside DIR/data.jsonl DIR/all.jsonl, of which all is for training, and DIR/scores.jsonl, without critiques.
paint() {
	timed ./loupe demo paint --count "$1" --seed "$2" --out "$3"
	sed 's/,"split":"[a-z]*"//' "$3/data.jsonl" > "$3/all.jsonl"
	sed 's/"critique":"[^"]*",//' "$3/all.jsonl" > "$3/scores.jsonl"
}

# measure MODEL: what eval says of it on pictures that no model here has seen, and what its critiques name of them.
measure() {
	say "\$ ./loupe eval --model $1 --data unseen/data.jsonl"
	./loupe eval --model "$1" --data unseen/data.jsonl 2> /dev/null | tee -a "$log"
	say "\$ ./loupe score --model $1 --critique --max-tokens 80 --json unseen | ./gen -words unseen/data.jsonl"
	./loupe score --model "$1" --critique --max-tokens 80 --json unseen 2> /dev/null | ./gen -words unseen/data.jsonl | tee -a "$log"
}

began=$(date +%s)
say "# $(nproc) cores"
timed ./gen -init random
paint 12000 1001 seen

# First the vision tower and the score head, which are quick to run; then everything.
timed ./loupe train --full --model random --data seen/scores.jsonl --out first --eval-split 0 --seed 1 \
	--epochs 1 --batch 8 --lr 1e-3 --head-lr 3e-3 --warmup 100 --weight-decay 0.05
timed ./loupe train --full --model first --data seen/all.jsonl --out second --eval-split 0 --seed 2 \
	--epochs 2 --batch 8 --lr 1e-3 --decoder-lr 1.5e-3 --score-weight 2 --warmup 50 --weight-decay 0.05
timed ./gen -pack second -out "$out"
say "# trained in $((($(date +%s) - began + 59) / 60)) minutes"
(cd "$out/model" && sha256sum model.safetensors score_head.json score_head.safetensors) | tee -a "$log"

if [ -z "$evaluate" ]; then exit; fi
say
say "# The model as it is embedded, on pictures that it has not seen:"
paint 400 424242 unseen
measure "$out/model"
