_resolver_completion() {
    # Readline ends a word at a colon, and addresses have colons.
    local line=${COMP_LINE:0:COMP_POINT} current there='' type value
    local -a words
    read -ra words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=('')
    current=${words[-1]}
    [[ $COMP_WORDBREAKS == *:* ]] && there=${current%"${current##*:}"}
    while IFS=, read -r type value; do
        case $type in
            plain) COMPREPLY+=("${value#"$there"}") ;;
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
        esac
    done < <(
        env COMP_WORDS="${words[*]}" COMP_CWORD=$((${#words[@]} - 1)) \
            _RESOLVER_COMPLETE=bash_complete "$1"
    )
}

complete -o nosort -F _resolver_completion resolver
