/* See playback.h. */
#include "playback.h"

#include "match.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { AROUND = 200, START_QUIET_MS = 300, END_MS = 200 };

typedef struct {
    module_t                 *module;
    const transcript_t       *transcript;
    const playback_options_t *options;
    const step_t             *step;
    bool                      differs;
    unsigned                  line; /* where it does */
} playing_t;

/* ---- What differs ------------------------------------------------------------------------------------------------ */

static void print_bytes(FILE *out, const char *title, const uint8_t *bytes, size_t n, size_t mark)
{
    writer_bytes_t text = { 0 }, front = { 0 };
    size_t         from = mark > AROUND ? mark - AROUND : 0, to = n > mark + AROUND ? mark + AROUND : n;
    writer_escape(&front, bytes + from, mark - from, true);
    writer_escape(&text, bytes + mark, to - mark, true);
    fprintf(out, "%s%.*s%.*s\n%*s^\n", title, (int)front.n, (const char *)front.bytes, (int)text.n,
            (const char *)text.bytes, (int)(strlen(title) + front.n), "");
    free(text.bytes);
    free(front.bytes);
}

/* What was expected from the step's begin on, with masks by their names, and where in that the difference is. */
static void print_expected(FILE *out, const transcript_t *transcript, const step_t *step, const match_place_t *place)
{
    static const char *const masks[] = { "", "{ip}", "{n}", "{hex}", "{mac}", "{any}" };
    writer_bytes_t           all = { 0 };
    size_t                   mark = SIZE_MAX;
    for (size_t i = step->token; i < step->token + step->tokens; i++) {
        const token_t *token = &transcript->token[i];
        if (i == place->token) mark = all.n + place->offset;
        if (token->kind == TOKEN_LITERAL)
            writer_add(&all, token->bytes, token->n);
        else
            writer_add(&all, masks[token->kind], strlen(masks[token->kind]));
    }
    print_bytes(out, "  expected: ", all.bytes, all.n, mark < all.n ? mark : all.n);
    free(all.bytes);
}

static void differ(playing_t *playing, unsigned line, const char *what)
{
    FILE *const out = playing->options->report;
    playing->differs = true;
    playing->line = line;
    if (out) fprintf(out, "%s:%u: %s\n", playing->transcript->path, line, what);
}

static void skip(const playing_t *playing, unsigned line, const char *why, const char *what)
{
    if (playing->options->report) fprintf(stderr, "%s:%u: skipped, %s%s\n", playing->transcript->path, line, why, what);
}

/* ---- Steps ------------------------------------------------------------------------------------------------------- */

static void check_silence(playing_t *playing, unsigned line, uint32_t quiet_ms)
{
    const writer_bytes_t *got = &playing->module->got;
    module_settle(playing->module, quiet_ms);
    if (got->n == 0 || playing->transcript->compare == COMPARE_ORDER) return;
    differ(playing, line, "the module printed what no < line expects:");
    if (playing->options->report) print_bytes(playing->options->report, "  got:      ", got->bytes, got->n, got->n);
}

/* OK is not its end. */
static bool restarts(const char *line, size_t n)
{
    static const char *const names[] = { "AT+RST\r", "AT+RESTORE\r" };
    for (size_t i = 0; i < 2; i++)
        if (n > strlen(names[i]) && strncasecmp(line, names[i], strlen(names[i])) == 0) return true;
    return false;
}

bool playback_prepare(module_t *module, const void *bytes, size_t n, const playback_options_t *options)
{
    enum { ENDS = 5 };
    static const char *const ends[ENDS] = { "\r\nOK\r\n", "\r\nready\r\n", "ERROR\r\n", "FAIL\r\n", "busy " };
    const char *const       *until = restarts(bytes, n) ? ends + 1 : ends;
    size_t                   which;
    module_type(module, bytes, n);
    if (!module_await(module, until, (size_t)(ends + ENDS - until), options->answer_ms, &which)) return false;
    if (which > (until == ends ? 1 : 0)) return false;
    module_settle(module, options->settle_ms); /* the prompt */
    module->got.n = 0;
    return true;
}

static void expect(playing_t *playing)
{
    const transcript_t *transcript = playing->transcript;
    module_t           *module = playing->module;
    uint64_t            until_ms = module_now_ms() + playing->options->answer_ms;
    for (;;) {
        size_t         used;
        match_place_t  place;
        writer_bytes_t out = { 0 };
        writer_add(&out, module->got.bytes, module->got.n);
        if (transcript->compare == COMPARE_LINES) out.n = match_squeeze(out.bytes, out.n);
        match_t result = match(transcript, playing->step, out.bytes, out.n, &used, &place);
        if (result == MATCH_FULL)
            writer_cut(&module->got, transcript->compare == COMPARE_ORDER ? used : module->got.n);
        else if (result == MATCH_NO || !module_hear(module, until_ms)) {
            differ(playing, place.line, result == MATCH_NO ? "the bytes differ:" : "more is expected, nothing comes:");
            if (playing->options->report) {
                print_expected(playing->options->report, transcript, playing->step, &place);
                print_bytes(playing->options->report, "  got:      ", out.bytes, out.n, place.at);
            }
        }
        free(out.bytes);
        if (result == MATCH_FULL || playing->differs) return;
    }
}

static void prepare(playing_t *playing)
{
    const step_t *step = playing->step;
    if (!playback_prepare(playing->module, step->bytes, step->n, playing->options))
        differ(playing, step->line, "the preparation did not end in OK");
}

static void say(playing_t *playing)
{
    const playback_options_t *options = playing->options;
    char                      error[200] = "a module has no such world: ";
    if (options->world && options->world(options->context, playing->step->words, error, sizeof error)) return;
    if (options->strict)
        differ(playing, playing->step->line, error);
    else
        skip(playing, playing->step->line, error, playing->step->words);
}

static void run_step(playing_t *playing)
{
    const step_t  *step = playing->step;
    const uint32_t quiet_ms =
        step > playing->transcript->step && step[-1].kind == STEP_OUT ? playing->options->settle_ms : 0;
    switch (step->kind) {
    case STEP_IN:
    case STEP_PREPARE:
    case STEP_WORLD:
        check_silence(playing, step->line, quiet_ms);
        if (playing->differs) break;
        if (step->kind == STEP_IN) module_type(playing->module, step->bytes, step->n);
        if (step->kind == STEP_PREPARE) prepare(playing);
        if (step->kind == STEP_WORLD) say(playing);
        break;
    case STEP_OUT: expect(playing); break;
    case STEP_WAIT:
        for (uint64_t until_ms = module_now_ms() + (step->us + 999) / 1000; module_now_ms() < until_ms;)
            module_hear(playing->module, until_ms);
        break;
    }
}

/* ---- A play ------------------------------------------------------------------------------------------------------ */

static void set_echo(playing_t *playing)
{
    const char *echo = playing->transcript->start == START_READY ? "ATE0\r\n" : "ATE1\r\n";
    if (!playback_prepare(playing->module, echo, strlen(echo), playing->options))
        differ(playing, 1, "the module does not answer ATE");
}

/* Returns the first step to play. */
static size_t start(playing_t *playing)
{
    static const char *const ready[] = { "\r\nready\r\n" };
    const transcript_t      *transcript = playing->transcript;
    module_t                *module = playing->module;
    size_t                   first = 0;
    if (!playing->options->begun) {
        module_type(module, "\r\n", 2); /* the end of whatever was typed before */
        module_settle(module, START_QUIET_MS);
        module->got.n = 0;
    }
    if (transcript->start != START_OFF) {
        set_echo(playing);
        return 0;
    }
    module_type(module, "AT+RST\r\n", 8);
    size_t end = module_await(module, ready, 1, playing->options->answer_ms, NULL);
    if (end == 0) differ(playing, 1, "the module does not restart");
    if (end > 0) writer_cut(&module->got, end - strlen(ready[0]));
    for (; first < transcript->steps && transcript->step[first].kind != STEP_OUT; first++)
        skip(playing, transcript->step[first].line, "before it is ready", "");
    return first;
}

/* What is set from now on stays out of the module's flash. ERROR where there is no such command. */
static void keep_out_of_flash(playing_t *playing)
{
    static const char line[] = "AT+SYSSTORE=0\r\n";
    playback_prepare(playing->module, line, sizeof line - 1, playing->options);
    playing->module->got.n = 0;
}

bool playback(module_t *module, const transcript_t *transcript, const playback_options_t *options, unsigned *line)
{
    playing_t    playing = { .module = module, .transcript = transcript, .options = options };
    const size_t first = start(&playing);
    for (size_t i = first; i < transcript->steps && !playing.differs; i++) {
        playing.step = &transcript->step[i];
        if (!options->saves && i == first + (transcript->start == START_OFF)) keep_out_of_flash(&playing);
        run_step(&playing);
    }
    if (!playing.differs)
        check_silence(&playing, transcript->step[transcript->steps - 1].line,
                      options->begun ? options->settle_ms : START_QUIET_MS);
    else
        module_settle(module, options->begun ? END_MS : 0);
    *line = playing.line;
    return !playing.differs;
}
