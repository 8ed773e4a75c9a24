/* See dialect_file.h. */
#include "dialect_file.h"

#include "words.h"

#include <errno.h>
#include <string.h>

static const struct {
    const char *id;
    long        max;
} quirks[] = {
#define X(name, id, nonos, esp_at, max, rows, values) { id, max },
    CIPMUX_QUIRKS(X)
#undef X
};

bool dialect_pauses(const char *time_name)
{
    return strcmp(time_name, "reconnect") == 0 || strcmp(time_name, "join_retry") == 0;
}

/* About the key of an argument. */
static bool wrong_key(words_t *words, const words_arg_t *arg, const char *what)
{
    const unsigned before = (unsigned)strlen(arg->key) + 1;
    return words_fail(words, arg->column - before, "expected %s, not \"%.60s\"", what, arg->key);
}

/* The arguments of a line that are key=value, each in turn. */
static bool each_key(words_t        *words, bool (*set)(dialect_file_t *file, words_t *words, words_arg_t *arg),
                     dialect_file_t *file, const char *what)
{
    size_t n = 0;
    for (size_t i = 1; i < words->count; i++) { /* behind the verb */
        words_arg_t *const arg = &words->arg[i];
        if (arg->key[0] == '\0') return words_expected(words, arg, what);
        arg->used = true;
        n++;
        if (!set(file, words, arg)) return false;
    }
    return n > 0 || words_plain(words, words->count, what) != NULL;
}

static bool say_dialect(void *context, words_t *words)
{
    dialect_file_t *const file = context;
    const words_arg_t    *base = words_key(words, "base");
    if (file->based) return words_fail(words, 1, "expected one line \"dialect\", not a second one");
    if (base == NULL) return words_plain(words, words->count, "base=NAME") != NULL;
    if (!cipmux_config(&file->config, (const char *)base->text))
        return words_expected(words, base, "the name of a dialect (cipmux --dialect=list)");
    file->based = true;
    return true;
}

static bool set_quirk(dialect_file_t *file, words_t *words, words_arg_t *arg)
{
    for (size_t i = 0; i < sizeof quirks / sizeof *quirks; i++) {
        long value;
        if (strcmp(quirks[i].id, arg->key) != 0) continue;
        return words_number(words, arg, 0, quirks[i].max, &value) &&
               cipmux_config_quirk(&file->config, arg->key, (unsigned)value);
    }
    return wrong_key(words, arg, "the id of a quirk (cipmux help quirks)");
}

static bool say_quirk(void *context, words_t *words)
{
    return each_key(words, set_quirk, context, "ID=VALUE");
}

static bool set_time(dialect_file_t *file, words_t *words, words_arg_t *arg)
{
    uint64_t us;
    if (!words_time(words, arg, &us)) return false;
    if (us % 1000 != 0 || us / 1000 > UINT32_MAX)
        return words_expected(words, arg, "whole milliseconds, less than 49 days");
    if (us == 0 && dialect_pauses(arg->key)) return words_expected(words, arg, "a pause of at least 1ms");
    return cipmux_config_time(&file->config, arg->key, (uint32_t)(us / 1000)) ||
           wrong_key(words, arg, "the name of a time (cipmux help timing)");
}

static bool say_time(void *context, words_t *words)
{
    dialect_file_t *const file = context;
    if (!words_has(words, 1)) return each_key(words, set_time, file, "real, fast or NAME=TIME");
    const words_arg_t *const word = words_plain(words, 1, "real or fast");
    if (!words_is(word, "real") && !words_is(word, "fast"))
        return words_expected(words, word, "real, fast or NAME=TIME");
    cipmux_config_timing(&file->config, words_is(word, "real"));
    return true;
}

static bool say_gmr(void *context, words_t *words)
{
    dialect_file_t *const    file = context;
    const words_arg_t *const text = words_plain(words, 1, "the text of AT+GMR in quotes");
    if (text == NULL) return false;
    if (text->length > CIPMUX_GMR_MAX)
        return words_fail(words, text->column, "expected a text of at most %d bytes, not %zu", CIPMUX_GMR_MAX,
                          text->length);
    if (memchr(text->text, '\0', text->length) != NULL) return words_expected(words, text, "a text without \\0");
    memcpy(file->gmr, text->text, text->length + 1);
    file->config.gmr = file->gmr;
    return true;
}

/* clang-format off */
static const words_verb_t verbs[] = {
    {"dialect", say_dialect, "dialect base=NAME", "the first line: the firmware that it is most like (cipmux --dialect=list)"},
    {"quirk", say_quirk, "quirk ID=VALUE ...", "what it does otherwise (cipmux help quirks)"},
    {"time", say_time, "time real | fast | NAME=TIME ...", "how long things take (cipmux help timing); NAME=TIME such as boot=300ms"},
    {"gmr", say_gmr, "gmr \"TEXT\"", "what AT+GMR prints in front of OK, \\r\\n between its lines"},
};
/* clang-format on */
enum { VERBS = sizeof verbs / sizeof *verbs };

static bool say(dialect_file_t *file, words_t *words)
{
    if (words->count > 0 && !file->based && !words_is(&words->arg[0], "dialect"))
        return words_fail(words, 1, "expected \"dialect base=NAME\" first");
    return words_run(verbs, VERBS, file, words);
}

/* What the verb of a wrong line takes. */
static const char *form_of(const words_t *words)
{
    const words_verb_t *verb = words->count > 0 ? words_verb(verbs, VERBS, (const char *)words->arg[0].text) : NULL;
    return verb ? verb->form : "cipmux help dialect lists the verbs";
}

bool dialect_file_read(dialect_file_t *out, const char *name, char *text, size_t size)
{
    static words_t words; /* too large for the stack */
    char           line[4096];
    unsigned       number = 0;
    bool           good = true;
    FILE          *file = fopen(name, "r");
    *out = (dialect_file_t){ .based = false };
    while (file && good && fgets(line, sizeof line, file)) {
        number++;
        line[strcspn(line, "\r\n")] = '\0';
        good = words_parse(&words, line) && say(out, &words);
    }
    if (!good)
        snprintf(text, size, "%s:%u: %s\n  %s", name, number, words.error, form_of(&words));
    else if (!file || ferror(file))
        snprintf(text, size, "%s: %s", name, strerror(errno));
    else if (!out->based)
        snprintf(text, size, "%s: expected a line \"dialect base=NAME\", there is none", name);
    good = good && file && !ferror(file) && out->based;
    if (file) fclose(file);
    return good;
}

void dialect_file_help(FILE *out)
{
    fputs(
        "--dialect=FILE describes a module of yours, one line each: a verb and its arguments, words as in cipmux help\n"
        "world. A line that begins with # is a comment. A wrong line is named, with its column, before the modem\n"
        "starts. Options on the command line come after the file.\n\n",
        out);
    for (size_t i = 0; i < VERBS; i++)
        fprintf(out, "  %s\n      %s\n", verbs[i].form, verbs[i].help);
    fputs("\nFor example, an ESP-01 that is slow to start and whose server resets a client too many:\n\n"
          "  dialect base=nonos-1.3\n"
          "  quirk full-reset=1\n"
          "  time boot=400ms\n"
          "  gmr \"AT version:1.2.0.0(Jul  1 2016 20:04:45)\\r\\nSDK version:1.5.4.1(39cb9a32)\"\n",
          out);
}
