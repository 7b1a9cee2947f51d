#!/usr/bin/env bash
# What each loss is worth: from the same random weights and once through the same 6000 pictures, with both losses and with
# either alone. It goes on in the WORK of train.sh, and writes runtime/demo/ablation.log:
#
#	runtime/demo/ablation.sh WORK
set -euo pipefail

work=$1 out=$PWD/runtime/demo
source "$(dirname "$0")/log.sh"
log=ablation.log
cd "$work"

# learn FLAGS...
learn() {
	clocked ./loupe train "$@"
	tell_time
}

scores() { ./loupe eval "$@" --data unseen/data.jsonl 2> /dev/null | tee -a ablation.log; }
words() { ./loupe score "$@" --critique --max-tokens 80 --json unseen 2> /dev/null | ./gen -words unseen/data.jsonl | tee -a ablation.log; }

once="--eval-split 0 --seed 1 --epochs 1 --batch 8 --lr 1e-3 --head-lr 3e-3 --decoder-lr 1.5e-3 --warmup 100 --weight-decay 0.05"
: > ablation.log
rm -rf ablated
mkdir ablated
head -n 6000 seen/all.jsonl > seen/part.jsonl
head -n 6000 seen/scores.jsonl > seen/part-scores.jsonl

say "# The head alone, in closed form, on towers that have learned nothing:"
learn --head-only --model random --data seen/part-scores.jsonl --eval-split 0 --out ablated/head
scores --model random --head ablated/head

say "# The score's loss alone, through head and vision tower:"
learn --full --model random --data seen/part-scores.jsonl --out ablated/score $once
scores --model ablated/score

say "# The language model's loss alone; then a head in closed form on what the tower has become:"
learn --full --model random --data seen/part.jsonl --out ablated/words $once --score-weight 0
learn --head-only --model ablated/words --data seen/part-scores.jsonl --eval-split 0 --out ablated/words-head
scores --model ablated/words --head ablated/words-head
words --model ablated/words --head ablated/words-head

say "# Both losses:"
learn --full --model random --data seen/part.jsonl --out ablated/both $once --score-weight 2
scores --model ablated/both
words --model ablated/both
cp ablation.log "$out/"
