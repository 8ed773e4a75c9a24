/* What the set form of a command takes, from its schema. See manual.h. */
#include "columns.h"
#include "command_words.h"
#include "manual_parts.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { VALUE_COLUMN = 12 };

static bool is_esp_at(size_t dialect)
{
    return strncmp(cipmux_dialect_name(dialect), "esp-at", 6) == 0;
}

typedef struct {
    char        kind; /* letter of the schema, in lower case; 'l' 'a' the link */
    bool        empty, optional, many;
    long        min, max;
    const char *words; /* "name|meaning", or NULL */
    char        name[NAME_BYTES];
} argument_t;

static long read_bound(const char **at)
{
    char      *end;
    const long value = strtol(*at, &end, 10);
    *at = *end == ':' ? end + 1 : end;
    return value;
}

static void name_argument(argument_t *argument, const char *const words[COMMAND_ARGUMENTS], size_t *next)
{
    const bool link = argument->kind == 'l' || argument->kind == 'a';
    argument->words = link || *next == COMMAND_ARGUMENTS ? NULL : words[*next];
    if (link)
        snprintf(argument->name, sizeof argument->name, "link");
    else if (argument->words)
        snprintf(argument->name, sizeof argument->name, "%.*s", (int)strcspn(argument->words, "|"), argument->words);
    else
        snprintf(argument->name, sizeof argument->name, "argument");
    if (!link && argument->words) ++*next;
}

/* The fields of a schema, see cipmux_command_t; how many. */
static size_t read_schema(const char *at, const char *const words[COMMAND_ARGUMENTS],
                          argument_t out[COMMAND_ARGUMENTS + 1])
{
    size_t n = 0, next = 0;
    bool   optional = false;
    while (*at && n <= COMMAND_ARGUMENTS) {
        const char letter = *at++;
        if (letter == '?') {
            optional = true;
        } else {
            argument_t *const argument = &out[n++];
            *argument = (argument_t){ .kind = (char)tolower((unsigned char)letter),
                                      .empty = letter == 'I' || letter == 'S',
                                      .optional = optional };
            if (isdigit((unsigned char)*at) || *at == '-') {
                argument->min = read_bound(&at);
                argument->max = read_bound(&at);
            }
            argument->many = *at == '*';
            at += argument->many;
            name_argument(argument, words, &next);
        }
        at += *at == ' ';
    }
    return n;
}

static void print_syntax(FILE *out, const argument_t *arguments, size_t n)
{
    int open = 0;
    for (size_t i = 0; i < n; i++) {
        const argument_t *const a = &arguments[i];
        const char *const       quote = a->kind == 's' ? "\"" : "";
        if (a->optional) open += fprintf(out, "[") > 0;
        if (a->kind == 'l' || a->kind == 'a')
            fprintf(out, "[<link>,]");
        else {
            const bool first = i == 0 || (i == 1 && (arguments[0].kind == 'l' || arguments[0].kind == 'a'));
            fprintf(out, "%s%s<%s>%s%s", first ? "" : ",", quote, a->name, quote, a->many ? "..." : "");
        }
    }
    for (; open > 0; open--)
        fprintf(out, "]");
}

static void describe_range(const argument_t *a, char *out, size_t size)
{
    const char *const hex = a->kind == 'x' || a->kind == 'w' ? ", may be hex (0x...)" : "";
    if (a->kind == 'l' || a->kind == 'a')
        snprintf(out, size, "0 to 4%s: with AT+CIPMUX=1, and only then", a->kind == 'a' ? ", 5 all" : "");
    else if (a->kind == 'w')
        snprintf(out, size, "a number of 32 bits%s", hex);
    else if (a->kind == 's' && a->min == a->max)
        snprintf(out, size, "text of %ld bytes", a->min);
    else if (a->kind == 's')
        snprintf(out, size, "text of %ld to %ld bytes", a->min, a->max);
    else if (a->min == a->max)
        snprintf(out, size, "%ld", a->min);
    else
        snprintf(out, size, "%ld %s %ld%s", a->min, a->max == a->min + 1 ? "or" : "to", a->max, hex);
}

static void print_arguments(FILE *out, const argument_t *arguments, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char                    label[NAME_BYTES + 2], text[LINE_BYTES * 2];
        const argument_t *const a = &arguments[i];
        const char *const       meaning = a->words ? strchr(a->words, '|') + 1 : "";
        if (i > 0 && a->words && a->words == arguments[i - 1].words) continue;
        describe_range(a, text, sizeof text);
        if (a->empty) manual_append(text, sizeof text, ", ", "may be left empty");
        if (*meaning) manual_append(text, sizeof text, "; ", meaning);
        snprintf(label, sizeof label, "<%s>", a->name);
        columns_row(out, 2 * INDENT, VALUE_COLUMN, label, text);
    }
}

static const char *const *words_for(const command_words_t *words, bool esp_at)
{
    static const char *const none[COMMAND_ARGUMENTS];
    if (!words) return none;
    return esp_at && words->esp_at[0] ? words->esp_at : words->argument;
}

static void print_schema(FILE *out, size_t index, size_t dialect, unsigned bits)
{
    cipmux_command_t command;
    argument_t       arguments[COMMAND_ARGUMENTS + 1];
    char             who[LINE_BYTES];
    if (!cipmux_command(index, dialect, &command)) return;
    const size_t n =
        read_schema(command.arguments, words_for(command_words(command.name), is_esp_at(dialect)), arguments);
    manual_name_dialects(bits, who, sizeof who);
    fprintf(out, "%*s%s\n%*sAT%s=", INDENT, "", who, INDENT, "", command.name);
    print_syntax(out, arguments, n);
    fprintf(out, "\n");
    print_arguments(out, arguments, n);
}

/* A command that reads its arguments itself: the lines that were written about it. */
static void print_own_arguments(FILE *out, const char *name, const command_words_t *words)
{
    for (size_t i = 0; words && i < COMMAND_LINES && words->line[i]; i++)
        fprintf(out, "%*sAT%s=%s\n", INDENT, "", name, words->line[i]);
    for (size_t i = 0; words && i < COMMAND_ARGUMENTS && words->argument[i]; i++) {
        char              label[NAME_BYTES + 2];
        const char *const text = words->argument[i];
        const int         length = (int)strcspn(text, "|");
        const bool        named = islower((unsigned char)text[0]);
        snprintf(label, sizeof label, named ? "<%.*s>" : "%.*s", length, text);
        columns_row(out, 2 * INDENT, VALUE_COLUMN, label, text + length + 1);
    }
}

/* Which dialects take the same arguments as dialect d; 0 when an earlier one does. */
static unsigned same_arguments(size_t index, size_t d)
{
    cipmux_command_t own, other;
    unsigned         bits = 0;
    if (!cipmux_command(index, d, &own) || !(own.forms & CIPMUX_FORM_SET) || !own.arguments) return 0;
    for (size_t i = 0; cipmux_command(index, i, &other); i++) {
        const bool same =
            other.forms & CIPMUX_FORM_SET && other.arguments && strcmp(other.arguments, own.arguments) == 0 &&
            words_for(command_words(own.name), is_esp_at(i)) == words_for(command_words(own.name), is_esp_at(d));
        if (same && i < d) return 0;
        if (same) bits |= 1u << i;
    }
    return bits;
}

void manual_print_arguments(FILE *out, size_t index)
{
    cipmux_command_t command;
    if (!cipmux_command(index, 0, &command) || manual_dialects_with(index, CIPMUX_FORM_SET) == 0) return;
    fprintf(out, "\nArguments\n");
    for (size_t d = 0; cipmux_dialect_name(d); d++) {
        const unsigned bits = same_arguments(index, d);
        if (bits) print_schema(out, index, d, bits);
    }
    const command_words_t *const words = command_words(command.name);
    if (words && words->line[0]) print_own_arguments(out, command.name, words);
}
