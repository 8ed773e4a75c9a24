# Turns the reference's rows, the recordings and an example of each command into C for the program's help:
# awk -f reference.awk matrix.tsv TRANSCRIPT...    See host/reference.h.
function quoted(text) {
    gsub(/\\/, "&&", text)
    gsub(/["?]/, "\\\\&", text)
    return "\"" text "\""
}
function name_in(line) {
    if (match(line, /^[>=] AT(\+[A-Z0-9_]+|E[01])/)) return substr(line, 5, RLENGTH - 4)
    return ""
}
# Is what was typed and what came back a better example than the last? Best: the set form, in a file that is named after
# the command, with an OK at the end;
# then nonos, then the shortest name.
function judge(    score, stem) {
    if (typed == "" || answer !~ /(OK\\r\\n|> )$/) return
    stem = tolower(asked)
    gsub(/^\+/, "", stem)
    gsub(/_/, "-", stem)
    score = 1 + (typed ~ /=/ && typed !~ /=\?/) + 2 * (index(base, stem) == 1)
    score += (dialect ~ /^nonos/) / 2 - length(base) / 1000
    if (!(asked in best) || score > best[asked]) {
        best[asked] = score
        example[asked] = quoted(asked) ", " quoted(dialect) ", " quoted(file) ",\n      " quoted(typed) ",\n      " \
            quoted(answer)
        gsub(/\001/, "\\n", example[asked])
        if (!(asked in shown)) shows[++examples] = asked
        shown[asked] = 1
    }
}
BEGIN {
    FS = "\t"
    print "/* Printed by tools/reference.awk. */\n#include \"reference.h\"\n"
    print "const reference_row_t reference_rows[] = {"
}
FNR == 1 && NR > 1 {
    judge()
    typed = answer = dialect = ""
    base = file = FILENAME
    sub(/.*\//, "", base)
    sub(/.*\/tests\/transcripts/, "tests/transcripts", file)
    number = file ~ /\/recordings\// ? base : ""
    sub(/-.*/, "", number)
}
NR == FNR {
    if (FNR == 1 || ($3 == "" && $1 !~ /\.AT\./)) next
    rows++
    print "    { " quoted($1) ", " quoted($2) ", " quoted($3) ", " quoted($4) ",\n      " quoted($5) ",\n      " \
        quoted($6) ",\n      " quoted($7) ", " quoted($8) " },"
    next
}
/^# dialect: / {
    dialect = $0
    sub(/^# dialect: /, "", dialect)
    sub(/ .*/, "", dialect)
}
/^[>=] AT/ && number != "" {
    name = name_in($0)
    if (name == "" && $0 !~ /AT\\r/) next
    if (!((name, number) in seen)) {
        seen[name, number] = 1
        if (!(name in list)) order[++names] = name
        list[name] = list[name] " " number
    }
}
/^# / || /^@ / || number != "" { next }
/^< / && typed != "" {
    answer = answer (answer == "" ? "" : "\001") substr($0, 3)
    next
}
{
    judge()
    asked = name_in($0)
    typed = /^> / && asked != "" ? substr($0, 3) : ""
    answer = ""
}
END {
    judge()
    print "};\nconst size_t reference_count = " rows + 0 ";\n"
    print "const reference_recordings_t reference_recordings[] = {"
    for (i = 1; i <= names; i++) print "    { " quoted(order[i]) ", " quoted(substr(list[order[i]], 2)) " },"
    print "};\nconst size_t reference_recordings_count = " names + 0 ";"
    print "const reference_example_t reference_examples[] = {"
    for (i = 1; i <= examples; i++) print "    { " example[shows[i]] " },"
    print "};\nconst size_t reference_examples_count = " examples + 0 ";"
}
