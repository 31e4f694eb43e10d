. ./lib.sh

eval "set -- $(quote "two words" "it's" '$HOME' '')"
[ $# -eq 4 ] || { echo "four words became $#"; exit 1; }
[ "$1" = "two words" ] || { echo "a space is lost: $1"; exit 1; }
[ "$2" = "it's" ] || { echo "a quote is lost: $2"; exit 1; }
[ "$3" = '$HOME' ] || { echo "a dollar was expanded: $3"; exit 1; }
echo "quoting holds"
