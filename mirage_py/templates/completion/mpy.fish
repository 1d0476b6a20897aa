# What could come next is asked of mpy itself: one offer a line, its kind, its word and what it means.
function __mpy_completion
    set -l line (commandline -opc) (commandline -ct)
    for offer in (env _MPY_COMPLETE=fish $line 2>/dev/null)
        set -l parts (string split \t -- $offer)
        switch $parts[1]
            case word
                printf '%s\t%s\n' $parts[2] $parts[3]
            case file
                __fish_complete_path (commandline -ct)
            case folder
                __fish_complete_directories (commandline -ct)
        end
    end
end
complete --no-files --command mpy --arguments '(__mpy_completion)'
