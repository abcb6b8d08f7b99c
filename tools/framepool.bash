# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Completion of the framepool command for bash. What there is to complete is asked of the command
# itself, so that the two always agree.

# The names of what is attached.
_framepool_spaces() {
	local node
	for node in /dev/framepool/*; do
		[[ -e $node && $node != */control ]] && printf '%s\n' "${node##*/}"
	done
}

_framepool_pools() {
	framepool pool list --json 2>/dev/null | sed -n 's/^    "name": "\(.*\)",$/\1/p'
}

# What the module can do, or what it could when this was written.
_framepool_policies() {
	{ cat /sys/kernel/framepool/default/policy 2>/dev/null || echo tenure clock lru2 fifo; } | tr -d '[]' | tr ' ' '\n'
}

# The values of the option before the cursor; false: it takes none that we know.
_framepool_value() {
	case $1 in
	--pool|-p)		_framepool_pools ;;
	--block|-b)		printf '%s\n' auto 1 4 16 64 256 ;;
	--color|--colour)	printf '%s\n' auto always never ;;
	--policy|-P)		_framepool_policies ;;
	--working-sets)		printf '%s\n' on off ;;
	--sort|-s)		printf '%s\n' r d f e w n ;;
	--group|-g)		compgen -g ;;
	*)			return 1 ;;
	esac
}

# What trace takes: what to do, then files or spaces.
_framepool_trace() {
	case ${COMP_CWORD},${COMP_WORDS[2]} in
	2,*)		printf '%s\n' record report ;;
	*,record)	_framepool_spaces ;;
	esac
}

# Whether words are the spaces' names, files, or neither, is the command's.
_framepool_words() {
	case $1 in
	detach|stat|warm|evict|sync|pin|walk)	_framepool_spaces ;;
	run)					compgen -c ;;
	trace)					_framepool_trace ;;
	pool)					printf '%s\n' create destroy list ;;
	policy|whatif|wset)			_framepool_pools ;;
	esac
}

_framepool() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local command=${COMP_WORDS[1]} choices=

	if ((COMP_CWORD == 1)); then
		choices=$(framepool --help | sed -n 's/^  \([a-z]*\) .*/\1/p')
	elif [[ $word == -* ]]; then
		choices=$(framepool "$command" --help 2>/dev/null | grep -oE -- '--[a-z-]+' | sort -u)
	elif [[ $command == policy ]] && ((COMP_CWORD == 3)); then
		choices=$(_framepool_policies)
	elif [[ $command == pool && $before == destroy ]]; then
		choices=$(_framepool_pools)
	elif [[ $command == trace && $before =~ ^(-o|--output)$ ]]; then
		: # a file, below
	elif ! { [[ $command != top && $before == -s ]] || choices=$(_framepool_value "$before"); }; then
		choices=$(_framepool_words "$command")
	fi
	mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$word")
	if [[ ($command =~ ^(attach|up|down)$ || ($command == trace && (${COMP_WORDS[2]} == report || $before =~ ^(-o|--output)$)) || $before == --from || $before == -f) && $word != -* && -z $choices ]]; then
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
	fi
}

complete -F _framepool framepool
