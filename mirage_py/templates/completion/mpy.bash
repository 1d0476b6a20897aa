# What could come next is asked of mpy itself: one offer a line, its kind and its word.
_mpy_completion() {
    local kind word meaning
    COMPREPLY=()
    while IFS=$'\t' read -r kind word meaning; do
        case $kind in
            word) COMPREPLY+=("$word") ;;
            file) compopt -o default ;;
            folder) compopt -o dirnames ;;
        esac
    done < <(_MPY_COMPLETE=bash command "$1" "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o nosort -F _mpy_completion mpy
