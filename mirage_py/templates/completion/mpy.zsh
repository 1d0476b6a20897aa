#compdef mpy
# What could come next is asked of mpy itself: one offer a line, its kind, its word and what it means.
_mpy_completion() {
    local kind word meaning
    local -a offers
    while IFS=$'\t' read -r kind word meaning; do
        case $kind in
            word) offers+=("${word//:/\\:}${meaning:+:$meaning}") ;;
            file) _files ;;
            folder) _files -/ ;;
        esac
    done < <(_MPY_COMPLETE=zsh command "${words[1]}" "${(@Q)words[2,CURRENT]}" 2>/dev/null)
    (( $#offers )) && _describe -V mpy offers
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _mpy_completion "$@"
else
    compdef _mpy_completion mpy
fi
