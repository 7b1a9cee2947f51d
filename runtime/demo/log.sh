# For train.sh and ablation.sh: a log in the directory that they work in, whose name is in $log.

# say WORDS...: on the terminal and in the log.
say() { echo "$*" | tee -a "$log"; }

# clocked COMMAND...: says what is run, and runs it; what it printed is shown where it fails.
clocked() {
	say "\$ $*"
	{ time -p "$@" > last 2>&1; } 2> took || { cat last took; exit 1; }
}

# tell_time: says how long that took.
tell_time() {
	say "# $(awk '$1 == "real" { r = $2 } $1 != "real" { c += $2 } END { printf "%.0f s on the clock, %.0f s of processors", r, c }' took)"
}
