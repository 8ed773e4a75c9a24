/* The page of a command. See manual.h. */
#include "manual.h"

#include "columns.h"
#include "command_words.h"
#include "manual_parts.h"
#include "reference.h"

#include <string.h>

/* What each command is refused for: { "+CIPSTART", "link-in-use ..." }. */
static const reference_recordings_t command_reasons[] = {
#include "command_reasons.h"
};

typedef struct {
    const char *id, *rows, *values;
    unsigned    nonos, esp_at;
} quirk_row_t;

static const quirk_row_t quirks[] = {
#define X(name, id, nonos, esp_at, max, rows, values) { id, rows, values, nonos, esp_at },
    CIPMUX_QUIRKS(X)
#undef X
};

/* ---- Text -------------------------------------------------------------------------------------------------------- */

static bool in_list(const char *list, const char *word, const char *separators)
{
    const size_t n = strlen(word);
    for (const char *at = list; *at;) {
        at += strspn(at, separators);
        const size_t length = strcspn(at, separators);
        if (length == n && memcmp(at, word, n) == 0) return true;
        at += length;
    }
    return false;
}

void manual_append(char *out, size_t size, const char *before, const char *text)
{
    const size_t n = strlen(out);
    if (n < size) snprintf(out + n, size - n, "%s%s", before, text);
}

/* ---- Commands ---------------------------------------------------------------------------------------------------- */

const char *manual_does(const char *command)
{
    const command_words_t *const words = command_words(command);
    return words ? words->does : "";
}

/* The dialects whose bit is set, as text: "all dialects" or their names. */
void manual_name_dialects(unsigned bits, char *out, size_t size)
{
    bool all = true;
    out[0] = '\0';
    for (size_t d = 0; cipmux_dialect_name(d); d++)
        if (bits & 1u << d)
            manual_append(out, size, out[0] ? " " : "", cipmux_dialect_name(d));
        else
            all = false;
    if (all) snprintf(out, size, "all dialects");
}

/* Likewise for a list, behind what a command does: "", " (not nonos-1.3)" or " (esp-at-2.3)". */
static void name_owners(unsigned bits, char *out, size_t size)
{
    size_t lacking = 0;
    char   who[LINE_BYTES / 2];
    out[0] = '\0';
    for (size_t d = 0; cipmux_dialect_name(d); d++)
        if (!(bits & 1u << d)) {
            snprintf(out, size, " (not %s)", cipmux_dialect_name(d));
            lacking++;
        }
    if (lacking < 2) return;
    manual_name_dialects(bits, who, sizeof who);
    snprintf(out, size, " (%s)", who);
}

unsigned manual_dialects_with(size_t index, unsigned form)
{
    cipmux_command_t command;
    unsigned         bits = 0;
    for (size_t d = 0; cipmux_command(index, d, &command); d++)
        if (command.forms & form) bits |= 1u << d;
    return bits;
}

static void print_forms(FILE *out, size_t index, const char *name)
{
    static const struct {
        unsigned    form;
        const char *word, *behind;
    } forms[] = { { CIPMUX_FORM_RUN, "bare", "" },
                  { CIPMUX_FORM_QUERY, "query", "?" },
                  { CIPMUX_FORM_SET, "set", "=..." },
                  { CIPMUX_FORM_TEST, "test", "=?" } };
    fprintf(out, "\nForms\n");
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        const unsigned bits = manual_dialects_with(index, forms[i].form);
        char           line[NAME_BYTES], who[LINE_BYTES];
        if (bits == 0) continue;
        snprintf(line, sizeof line, "AT%s%s", name, forms[i].behind);
        manual_name_dialects(bits, who, sizeof who);
        fprintf(out, "%*s%-6s %-24s %s\n", INDENT, "", forms[i].word, line, who);
    }
}

static void print_differences(FILE *out, size_t index)
{
    cipmux_command_t command;
    for (size_t d = 0; cipmux_command(index, d, &command); d++)
        if (command.source)
            fprintf(out, "%*s%s %s: %s\n", INDENT, "", cipmux_dialect_name(d),
                    command.forms == 0 ? "has no such command" : "has other forms or arguments", command.source);
}

/* ---- Answers ------------------------------------------------------------------------------------------------------ */

static bool is_about(const reference_row_t *row, const char *name)
{
    return strcmp(row->command, name) == 0;
}

/* The row of the other firmware with the same id; NULL: none. */
static const reference_row_t *twin(const reference_row_t *row)
{
    for (size_t i = 0; i < reference_count; i++)
        if (&reference_rows[i] != row && strcmp(reference_rows[i].id, row->id) == 0 &&
            strcmp(reference_rows[i].firmware, row->firmware) != 0)
            return &reference_rows[i];
    return NULL;
}

/* Is it the ERROR of a form or a command that is not there? Those are told once, in the legend. */
static bool is_absence(const reference_row_t *row)
{
    const char *const label = strrchr(row->id, '.') + 1;
    return (strcmp(label, "unsupported") == 0 || strcmp(label, "absent") == 0) &&
           strcmp(row->reply, "\\r\\nERROR\\r\\n") == 0;
}

static const quirk_row_t *quirk_of(const char *id)
{
    for (size_t i = 0; i < sizeof quirks / sizeof *quirks; i++)
        if (in_list(quirks[i].rows, id, ", ")) return &quirks[i];
    return NULL;
}

/* The section that most rows about a command rest on; "" without a row. */
static const char *usual_section(const char *name)
{
    const char *usual = "";
    size_t      most = 0;
    for (size_t i = 0; i < reference_count; i++) {
        size_t n = 0;
        if (!is_about(&reference_rows[i], name) || is_absence(&reference_rows[i])) continue;
        for (size_t j = 0; j < reference_count; j++)
            n += is_about(&reference_rows[j], name) && !is_absence(&reference_rows[j]) &&
                 strcmp(reference_rows[j].section, reference_rows[i].section) == 0;
        if (n > most) {
            most = n;
            usual = reference_rows[i].section;
        }
    }
    return usual;
}

static void print_reply(FILE *out, const char *who, const reference_row_t *row, const char *usual)
{
    char                     text[2 * LINE_BYTES + 256] = "";
    const quirk_row_t *const quirk = quirk_of(row->id);
    manual_append(text, sizeof text, "", row->reply);
    if (strcmp(row->section, usual) != 0) {
        manual_append(text, sizeof text, " [", row->section);
        manual_append(text, sizeof text, "]", "");
    }
    if (strcmp(row->certainty, "settled") != 0) manual_append(text, sizeof text, " ", row->certainty);
    if (quirk) manual_append(text, sizeof text, " --quirk=", quirk->id);
    columns_row(out, 2 * INDENT, 6, who, text);
}

static void print_case(FILE *out, const reference_row_t *row, const char *usual)
{
    const reference_row_t *const other = twin(row);
    const bool                   same_when = other && strcmp(other->when, row->when) == 0;
    const bool same = same_when && strcmp(other->reply, row->reply) == 0 && strcmp(other->section, row->section) == 0 &&
                      strcmp(other->certainty, row->certainty) == 0;
    if (other && other < row && same_when) return; /* was printed there */
    char text[LINE_BYTES + 128];
    snprintf(text, sizeof text, "%s: %s", strrchr(row->id, '.') + 1, row->when);
    fprintf(out, "%*s", INDENT, "");
    columns_wrap(out, text, INDENT, INDENT + 2);
    print_reply(out, same ? "both" : row->firmware, row, usual);
    if (same_when && !same) print_reply(out, other->firmware, other, usual);
}

/* As it stands in a transcript. */
static void print_example(FILE *out, const char *name)
{
    for (size_t i = 0; i < reference_examples_count; i++) {
        const reference_example_t *const e = &reference_examples[i];
        if (strcmp(e->command, name) != 0) continue;
        fprintf(out, "\nExample, %s (%s)\n%*s> %s\n", e->dialect, e->file, INDENT, "", e->typed);
        for (const char *at = e->answer; *at;) {
            const size_t length = strcspn(at, "\n");
            fprintf(out, "%*s< %.*s\n", INDENT, "", (int)length, at);
            at += length + (at[length] == '\n');
        }
    }
}

static void print_answers(FILE *out, const char *name, const char *usual)
{
    static const struct {
        const char *form, *title;
    } forms[] = { { "run", "Answers of the bare form" }, { "query", "Answers of the query" },
                  { "set", "Answers of the set form" },  { "test", "Answers of the test form" },
                  { "event", "What it prints later" },   { "model", "What it does" } };
    for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
        bool begun = false;
        for (size_t i = 0; i < reference_count; i++) {
            const reference_row_t *const row = &reference_rows[i];
            if (!is_about(row, name) || strcmp(row->form, forms[f].form) != 0 || is_absence(row)) continue;
            if (!begun) fprintf(out, "\n%s\n", forms[f].title);
            begun = true;
            print_case(out, row, usual);
        }
    }
}

/* ---- What else bears on it ----------------------------------------------------------------------------------------- */

static void print_quirks(FILE *out, const char *name)
{
    bool begun = false;
    for (size_t q = 0; q < sizeof quirks / sizeof *quirks; q++) {
        bool bears = false;
        for (size_t i = 0; i < reference_count && !bears; i++)
            bears = is_about(&reference_rows[i], name) && in_list(quirks[q].rows, reference_rows[i].id, ", ");
        if (!bears) continue;
        if (!begun) fprintf(out, "\nQuirks, --quirk=ID=VALUE (nonos, esp-at)\n");
        begun = true;
        char text[LINE_BYTES * 2];
        snprintf(text, sizeof text, "(%u, %u) %s", quirks[q].nonos, quirks[q].esp_at, quirks[q].values);
        columns_row(out, INDENT, 20, quirks[q].id, text);
    }
}

static const char *sentence_of(const char *id, size_t length)
{
    for (cipmux_reason_t r = 0; r < CIPMUX_REASON_COUNT; r++)
        if (strlen(cipmux_reason_id(r)) == length && memcmp(cipmux_reason_id(r), id, length) == 0)
            return cipmux_reason_sentence(r);
    return "";
}

void manual_sentence(const char *sentence, const char *command, char *out, size_t size)
{
    out[0] = '\0';
    for (const char *at = sentence; *at;) {
        char      text[LINE_BYTES];
        const int plain = (int)strcspn(at, "%");
        snprintf(text, sizeof text, "%.*s", plain, at);
        manual_append(out, size, "", text);
        at += plain;
        if (*at == '\0') return;
        manual_append(out, size, at[1] == 's' ? "AT" : "N", at[1] == 's' ? command : "");
        at += 2;
    }
}

static void print_reasons(FILE *out, const char *name)
{
    for (size_t i = 0; i < sizeof command_reasons / sizeof *command_reasons; i++) {
        if (strcmp(command_reasons[i].command, name) != 0) continue;
        fprintf(out, "\nReasons on the log; `cipmux help ID` has the cure\n");
        for (const char *at = command_reasons[i].numbers; *at;) {
            const size_t length = strcspn(at, " ");
            char         id[NAME_BYTES], text[LINE_BYTES];
            snprintf(id, sizeof id, "%.*s", (int)length, at);
            manual_sentence(sentence_of(at, length), name, text, sizeof text);
            columns_row(out, INDENT, 20, id, text);
            at += length + (at[length] == ' ');
        }
    }
}

static void print_recordings(FILE *out, const char *name)
{
    for (size_t i = 0; i < reference_recordings_count; i++)
        if (strcmp(reference_recordings[i].command, name) == 0) {
            fprintf(out, "\nRecordings of real modules in which it is typed\n%*s", INDENT, "");
            columns_wrap(out, reference_recordings[i].numbers, INDENT, INDENT);
        }
}

bool manual_has_source(const char *command, const char *firmware)
{
    for (size_t i = 0; i < reference_count; i++)
        if (is_about(&reference_rows[i], command) && strcmp(reference_rows[i].firmware, firmware) == 0 &&
            reference_rows[i].section[0] != '\0')
            return true;
    return false;
}

void manual_print(FILE *out, size_t index)
{
    cipmux_command_t command;
    if (!cipmux_command(index, 0, &command)) return;
    const char *const does = manual_does(command.name);
    char              title[LINE_BYTES];
    snprintf(title, sizeof title, "AT%s%s%s", command.name, does[0] ? ": " : "", does);
    const char *const usual = usual_section(command.name);
    columns_wrap(out, title, 0, INDENT);
    if (usual[0]) fprintf(out, "%*sfrom [%s], where no other source is named\n", INDENT, "", usual);
    print_forms(out, index, command.name);
    print_differences(out, index);
    manual_print_arguments(out, index);
    print_example(out, command.name);
    print_answers(out, command.name, usual);
    print_reasons(out, command.name);
    print_quirks(out, command.name);
    print_recordings(out, command.name);
}

/* ---- All of them --------------------------------------------------------------------------------------------------- */

void manual_print_legend(FILE *out)
{
    fputs("Arguments: <x> stands for a value, [x] may be left out. Text is quoted; a backslash stands before\n"
          "each , \" and \\ in it. Answers: \\r\\n are carriage return and line feed, {words in braces} are no\n"
          "text. What no source settles is marked GUESS; --quirk=ID names the switch, where there is one.\n"
          "[tcpip.md 3.5] is a section of the reference, a number a recording of a real module. The word\n"
          "before the colon is the end of the row's id: `grep -r CIPSTART.set.no-ip tests/transcripts` finds\n"
          "its test. nonos-1.3 answers as nonos; docs/PROTOCOL.md says where it does not.\n"
          "\n"
          "A command or form that a dialect does not have answers \\r\\nERROR\\r\\n (reasons unknown-command,\n"
          "no-such-form), and so does a wrong argument where nothing else is said (bad-argument).\n",
          out);
}

void manual_print_list(FILE *out)
{
    cipmux_command_t command;
    for (size_t i = 0; cipmux_command(i, 0, &command); i++) {
        char           name[NAME_BYTES];
        const unsigned any = CIPMUX_FORM_TEST | CIPMUX_FORM_QUERY | CIPMUX_FORM_SET | CIPMUX_FORM_RUN;
        const unsigned bits = manual_dialects_with(i, any);
        char           who[LINE_BYTES], text[2 * LINE_BYTES];
        snprintf(name, sizeof name, "AT%s", command.name);
        name_owners(bits, who, sizeof who);
        snprintf(text, sizeof text, "%s%s", manual_does(command.name), who);
        columns_row(out, 0, 20, name, text);
    }
}
