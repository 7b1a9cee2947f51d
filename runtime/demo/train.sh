#!/usr/bin/env bash
# Makes the embedded demonstration model: paints pictures, trains on them from random weights with loupe's own train, rounds
# the weights to bf16, and holds what came out against pictures that it has not seen. Run it from the module's root:
#
#	runtime/demo/train.sh [-n] WORK [OUT]
#
# WORK is a folder for pictures and runs, of 1 GB: empty, or that of a run which was stopped and goes on. OUT, by default
# runtime/demo, gets picture.png, model/ and train.log. With -n there is no evaluation. The files come out the same to the
# bit each time, on every machine and with any number of threads.
set -euo pipefail

evaluate=1
if [ "${1:-}" = -n ]; then evaluate=; shift; fi
if [ $# -lt 1 ]; then echo "usage: train.sh [-n] WORK [OUT]" >&2; exit 2; fi
work=$1 out=${2:-runtime/demo}
mkdir -p "$work" "$out"
go build -o "$work/loupe" ./cmd/loupe
go build -o "$work/gen" ./runtime/demo/gen
out=$(cd "$out" && pwd)
source "$(dirname "$0")/log.sh"
log=train.log
cd "$work"
touch done

# timed MADE COMMAND...: says what is run to make the file MADE, and how long it took. What is done already is not done again.
timed() {
	local made=$1
	shift
	if grep -qxF -- "$made" done; then return; fi
	clocked "$@"
	if [ ! -s "$made" ]; then cat last; echo "stopped before $made was written; run this again and it goes on" >&2; exit 1; fi
	tell_time
	echo "$made" >> done
}

# paint COUNT SEED DIR, and beside DIR/data.jsonl DIR/all.jsonl, all of which is to learn from, and DIR/scores.jsonl, the same
# without critiques.
paint() {
	timed "$3/data.jsonl" ./loupe demo paint --count "$1" --seed "$2" --out "$3"
	sed 's/,"split":"[a-z]*"//' "$3/data.jsonl" > "$3/all.jsonl"
	sed 's/"critique":"[^"]*",//' "$3/all.jsonl" > "$3/scores.jsonl"
}

# learn FROM DATA OUT FLAGS...
learn() {
	local resume=
	if [ -d "$3" ]; then resume=--resume; fi
	timed "$3/model.safetensors" ./loupe train --full --model "$1" --data "$2" --out "$3" --eval-split 0 "${@:4}" $resume
	rm -rf "$3/checkpoints"
}

# measure MODEL DIR: what eval says of the model on pictures of DIR, and what its critiques name of them.
measure() {
	say "\$ ./loupe eval --model $1 --data $2/data.jsonl"
	./loupe eval --model "$1" --data "$2/data.jsonl" 2> /dev/null | tee -a train.log
	say "\$ ./loupe score --model $1 --critique --max-tokens 80 --json $2 | ./gen -words $2/data.jsonl"
	./loupe score --model "$1" --critique --max-tokens 80 --json "$2" 2> /dev/null | ./gen -words "$2/data.jsonl" | tee -a train.log
}

if [ ! -s train.log ]; then say "# $(nproc) cores"; fi
timed random/model.safetensors ./gen -init random

# First the vision tower and the score head, which are quick to run; then everything, at the end on pictures that are new.
paint 12000 1001 seen
learn random seen/scores.jsonl first --seed 1 --epochs 1 --batch 8 --lr 1e-3 --head-lr 3e-3 --warmup 100 --weight-decay 0.05
learn first seen/all.jsonl second --seed 2 --epochs 2 --batch 8 --lr 1e-3 --decoder-lr 1.5e-3 --score-weight 1 --warmup 50 --weight-decay 0.05
paint 16000 1002 more
learn second more/all.jsonl third --seed 3 --epochs 1 --batch 8 --lr 8e-4 --decoder-lr 1.5e-3 --score-weight 1 --warmup 50 --weight-decay 0.05
paint 12000 1003 new
learn third new/all.jsonl fourth --seed 4 --epochs 1 --batch 8 --lr 8e-4 --decoder-lr 1.5e-3 --score-weight 1 --warmup 50 --weight-decay 0.05

mkdir -p packed
timed packed/model/model.safetensors ./gen -pack fourth -out packed
say "# $(awk '/^# .* s on the clock/ { s += $2 } END { printf "%.0f", s / 60 }' train.log) minutes on the clock in all"
(cd packed/model && sha256sum model.safetensors score_head.json score_head.safetensors) | tee -a train.log
if [ -n "$evaluate" ]; then
	say "# The packed model on pictures that it has not seen:"
	paint 400 424242 unseen
	measure packed/model unseen
fi
mkdir -p "$out/model"
cp packed/model/* "$out/model/"
cp packed/picture.png train.log "$out/"
