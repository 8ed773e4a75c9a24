/* Plays a transcript: see player.h. */
#include "player.h"

#include "match.h"
#include "world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    OUT_MAX = 65536,     /* what a modem may print between two steps */
    IN_MAX = 65536,      /* typed bytes that the modem does not take yet */
    ROUNDS_MAX = 200000, /* of the pump within one instant */
};
static const uint64_t start_us = 1000000;
static const uint64_t wait_limit_us = 60000000; /* for what `<` and `=` expect */

struct player {
    const transcript_t   *transcript;
    const play_options_t *options;
    play_report_t        *report;
    const step_t         *step;
    uint64_t              now_us, random;
    bool                  failed;
    cipmux_config_t       config;
    cipmux_t              modem;
    world_t               world;
    size_t                in_used, in_done; /* typed, and taken by the modem */
    size_t                out_used;
    uint8_t               in[IN_MAX], out[OUT_MAX], squeezed[OUT_MAX];
    uint8_t               heap[CIPMUX_HEAP_SIZE], flash[CIPMUX_FLASH_SIZE];
};

player_t *player_new(void)
{
    return malloc(sizeof(player_t));
}

void player_free(player_t *player)
{
    free(player);
}

/* ---- Reports --------------------------------------------------------------------------------------------------- */

static void say(player_t *p, const char *format, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 2, 3)))
#endif
    ;

/* Appends to the report. */
static void say(player_t *p, const char *format, ...)
{
    size_t  at = strlen(p->report->text);
    va_list list;
    va_start(list, format);
    /* clang-tidy loses va_start() in the second file of a run: NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) */
    vsnprintf(p->report->text + at, sizeof p->report->text - at, format, list);
    va_end(list);
}

/* Begins a failure: where it was, in which play. False if no text is wanted or there was a failure already. */
static bool fail_begins(player_t *p, unsigned line)
{
    static const char *const cuts[] = { "whole", "byte by byte", "random cuts" };
    bool                     first = !p->failed;
    p->failed = true;
    if (first) {
        p->report->line = line;
    }
    if (!first || !p->options->explain) {
        return false;
    }
    say(p, "%s:%u: [%s, %s", p->transcript->path, line, p->options->dialect, cuts[p->options->cut]);
    if (p->options->cut == CUT_RANDOM) {
        say(p, ", seed %llu", (unsigned long long)p->options->seed);
    }
    if (p->options->quirk != NULL) {
        say(p, ", %s=%u", p->options->quirk, p->options->value);
    }
    say(p, ", %llu ms] ", (unsigned long long)(p->now_us / 1000));
    return true;
}

static void fail(player_t *p, const char *what)
{
    if (fail_begins(p, p->step != NULL ? p->step->line : 1)) {
        say(p, "%s\n", what);
    }
}

/* One byte with escapes. Returns the number of columns. */
static size_t say_byte(player_t *p, uint8_t byte)
{
    static const char names[] = "\r\n\t", escapes[] = "rnt";
    const char       *name = byte == 0 ? NULL : strchr(names, byte);
    if (name != NULL) {
        say(p, "\\%c", escapes[name - names]);
        return 2;
    }
    if (byte >= ' ' && byte <= '~' && byte != '\\') {
        say(p, "%c", byte);
        return 1;
    }
    say(p, "\\x%02x", byte);
    return 4;
}

/* Bytes around `mark`, with a caret under it. A mark beyond the end shows where nothing came. */
static void say_bytes(player_t *p, const char *title, const uint8_t *bytes, size_t n, size_t mark)
{
    size_t from = mark > 300 ? mark - 300 : 0;
    size_t to = n > mark + 300 ? mark + 300 : n;
    size_t columns = strlen(title), caret = 0;
    say(p, "%s%s", title, from > 0 ? "..." : "");
    columns += from > 0 ? 3 : 0;
    for (size_t i = from; i < to; i++) {
        caret = i == mark ? columns : caret;
        columns += say_byte(p, bytes[i]);
    }
    say(p, "%s\n%*s^\n", to < n ? "..." : "", (int)(mark < to ? caret : columns), "");
}

static const char *const mask_names[] = { "", "{ip}", "{n}", "{hex}", "{mac}", "{any}" };

/* What was expected, token by token, with a caret at the token and offset of the first difference. */
static void say_expected(player_t *p, const step_t *step, const match_place_t *place)
{
    const char *title = "  expected: ";
    size_t      columns = strlen(title), caret = 0;
    bool        marked = false;
    size_t      first = place->token > step->token + 6 ? place->token - 6 : step->token;
    say(p, "%s%s", title, first > step->token ? "..." : "");
    columns += first > step->token ? 3 : 0;
    for (size_t t = first; t < step->token + step->tokens && t < place->token + 6; t++) {
        const token_t *token = &p->transcript->token[t];
        bool           here = t == place->token;
        size_t         offset = here ? place->offset : 0;
        size_t         from = offset > 300 ? offset - 300 : 0;
        size_t         to = token->n > offset + 300 ? offset + 300 : token->n;
        if (token->kind != TOKEN_LITERAL) {
            caret = here ? columns : caret;
            marked = marked || here;
            say(p, "%s", mask_names[token->kind]);
            columns += strlen(mask_names[token->kind]);
        }
        for (size_t i = from; token->kind == TOKEN_LITERAL && i < to; i++) {
            caret = here && i == offset ? columns : caret;
            marked = marked || (here && i == offset);
            columns += say_byte(p, token->bytes[i]);
        }
    }
    say(p, "\n%*s^\n", (int)(marked ? caret : columns), "");
}

static void fail_output(player_t *p, const char *what, const uint8_t *out, size_t n)
{
    if (fail_begins(p, p->step != NULL ? p->step->line : 1)) {
        say(p, "%s\n", what);
        say_bytes(p, "  got:      ", out, n, n);
    }
}

/* ---- The pump: everything that happens within one instant ----------------------------------------------------------- */

static uint64_t next_random(player_t *p)
{
    p->random ^= p->random << 13;
    p->random ^= p->random >> 7;
    p->random ^= p->random << 17;
    return p->random;
}

/* A number from 1 to `most`, small ones as often as large ones. */
static size_t random_size(player_t *p, size_t most)
{
    size_t limit = (size_t)1 << (next_random(p) % 12);
    size_t size = 1 + (size_t)(next_random(p) % limit);
    return size < most ? size : most;
}

static bool type_piece(player_t *p)
{
    size_t waiting = p->in_used - p->in_done;
    if (waiting == 0) {
        return false;
    }
    size_t n = waiting;
    if (p->options->cut == CUT_BYTES) {
        n = 1;
    } else if (p->options->cut == CUT_RANDOM) {
        n = random_size(p, waiting);
    }
    const uint8_t *piece = p->in + p->in_done;
    size_t         taken = world_type(&p->world, p->now_us, piece, n);
    if (taken > n) {
        fail(p, "cipmux_sink() took more than there was");
        return false;
    }
    p->in_done += taken;
    if (p->in_done == p->in_used) {
        p->in_done = p->in_used = 0;
    }
    return taken > 0;
}

static void was_printed(player_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p->report->hash = (p->report->hash ^ p->out[p->out_used + i]) * 16777619u;
    p->out_used += n;
}

/* What the ROM said at its own rate, as it is read. */
static void print_noise(player_t *p)
{
    size_t n;
    while ((n = world_noise(&p->world, p->out + p->out_used, OUT_MAX - p->out_used)) > 0)
        was_printed(p, n);
}

static bool serve_requests(player_t *p)
{
    cipmux_request_t request;
    bool             moved = false;
    while (cipmux_request(&p->modem, p->now_us, &request)) {
        p->report->stored = p->report->stored || request.kind == CIPMUX_REQUEST_STORE;
        p->report->switched = p->report->switched || request.kind == CIPMUX_REQUEST_LINE;
        if (request.kind == CIPMUX_REQUEST_LINE || request.kind == CIPMUX_REQUEST_ROM_LINE) print_noise(p);
        world_request(&p->world, p->now_us, &request);
        moved = true;
    }
    return moved;
}

static void fetch_notes(player_t *p)
{
    cipmux_note_t note;
    while (cipmux_note(&p->modem, &note)) {
        p->report->noted[note.reason] = true;
        if (p->options->heard != NULL) p->options->heard(p->options->context, &note);
    }
}

/* All that the modem has to say at this instant, in one piece or in many: the wire is as fast either way. */
static bool poll_uart(player_t *p)
{
    bool moved = false;
    if (p->world.uart_stopped) return false;
    for (;;) {
        size_t capacity = OUT_MAX - p->out_used;
        if (capacity == 0) {
            fail(p, "the modem prints without end");
            return false;
        }
        if (p->options->cut == CUT_RANDOM) capacity = random_size(p, capacity);
        uint8_t     *out = p->out + p->out_used;
        const size_t n = world_read(&p->world, p->now_us, out, capacity);
        if (n == 0) return moved;
        if (p->world.rom_talks)
            world_rom_says(&p->world, p->out + p->out_used, n);
        else
            was_printed(p, n);
        moved = true;
    }
}

/* Until nothing moves any more at this instant. */
static void settle(player_t *p)
{
    bool moved = true;
    for (int rounds = 0; moved && !p->failed; rounds++) {
        moved = type_piece(p);
        if (moved && p->options->cut == CUT_RANDOM && next_random(p) % 4 == 0) {
            continue; /* another piece before anything else */
        }
        moved = serve_requests(p) || moved;
        moved = world_offer(&p->world, p->now_us) || moved;
        fetch_notes(p);
        moved = (p->world.wired && serial_move(&p->world.serial, p->now_us, &p->modem)) || moved;
        moved = poll_uart(p) || moved;
        uint64_t due_us = cipmux_deadline(&p->modem);
        if (due_us <= p->now_us) {
            cipmux_tick(&p->modem, p->now_us);
            moved = moved || cipmux_deadline(&p->modem) != due_us;
        }
        if (rounds > ROUNDS_MAX) {
            fail(p, "the modem and the world never come to rest");
        }
    }
    if (world_fault(&p->world)[0] != '\0') {
        fail(p, world_fault(&p->world));
    }
}

/* When something happens next, or CIPMUX_NEVER. */
static uint64_t next_deadline(const player_t *p)
{
    uint64_t modem_us = cipmux_deadline(&p->modem);
    uint64_t world_us = world_deadline(&p->world, p->now_us);
    modem_us = modem_us > p->now_us ? modem_us : CIPMUX_NEVER;
    if (p->world.wired) {
        uint64_t serial_us = serial_deadline(&p->world.serial, p->now_us, p->in_used > p->in_done);
        world_us = serial_us < world_us ? serial_us : world_us;
    }
    return modem_us < world_us ? modem_us : world_us;
}

/* Goes to the next thing that happens, not beyond `limit_us`. False: it is beyond, and now is limit_us. */
static bool advance(player_t *p, uint64_t limit_us)
{
    uint64_t due_us = next_deadline(p);
    bool     within = due_us <= limit_us;
    uint64_t to_us = within ? due_us : limit_us;
    if (p->options->cut == CUT_RANDOM && to_us != CIPMUX_NEVER && next_random(p) % 4 == 0) {
        p->now_us += (to_us - p->now_us) / (1 + next_random(p) % 4); /* a tick too early changes nothing */
        cipmux_tick(&p->modem, p->now_us);
        settle(p);
    }
    p->now_us = to_us;
    cipmux_tick(&p->modem, p->now_us);
    settle(p);
    return within;
}

static void type_bytes(player_t *p, const uint8_t *bytes, size_t n)
{
    if (n > IN_MAX - p->in_used) {
        fail(p, "too many bytes that the modem does not take");
        return;
    }
    memcpy(p->in + p->in_used, bytes, n);
    p->in_used += n;
    settle(p);
}

/* ---- Steps ----------------------------------------------------------------------------------------------------- */

/* The output as it is compared. */
static const uint8_t *output(player_t *p, size_t *n)
{
    *n = p->out_used;
    if (p->transcript->compare != COMPARE_LINES) {
        return p->out;
    }
    memcpy(p->squeezed, p->out, p->out_used);
    *n = match_squeeze(p->squeezed, p->out_used);
    return p->squeezed;
}

/* Nothing unexpected may stand in the output. */
static void check_silence(player_t *p)
{
    settle(p);
    size_t         n;
    const uint8_t *out = output(p, &n);
    if (n > 0 && !p->failed && p->transcript->compare != COMPARE_ORDER) {
        fail_output(p, "the modem printed what no < line expects:", out, n);
    }
    if (p->transcript->compare == COMPARE_LINES) {
        p->out_used = 0;
    }
}

static void fail_match(player_t *p, const match_place_t *place, const char *what)
{
    size_t         n;
    const uint8_t *out = output(p, &n);
    if (fail_begins(p, place->line)) {
        say(p, "%s\n", what);
        say_expected(p, p->step, place);
        say_bytes(p, "  got:      ", out, n, place->at);
    }
}

static void step_out(player_t *p)
{
    uint64_t limit_us = p->now_us + wait_limit_us;
    settle(p);
    while (!p->failed) {
        size_t         n, used;
        match_place_t  place;
        const uint8_t *out = output(p, &n);
        match_t        result = match(p->transcript, p->step, out, n, &used, &place);
        if (result == MATCH_FULL) {
            size_t done = p->transcript->compare == COMPARE_ORDER ? used : p->out_used;
            p->out_used -= done;
            memmove(p->out, p->out + done, p->out_used);
            return;
        }
        if (result == MATCH_NO) {
            fail_match(p, &place, "the bytes differ:");
        } else if (next_deadline(p) == CIPMUX_NEVER) {
            fail_match(p, &place, "nothing more happens, but more is expected:");
        } else if (!advance(p, limit_us)) {
            fail_match(p, &place, "60 s have passed, but more is expected:");
        }
    }
}

static bool ends_with(const player_t *p, const char *text)
{
    size_t n = strlen(text);
    return p->out_used >= n && memcmp(p->out + p->out_used - n, text, n) == 0;
}

static bool contains(const player_t *p, const char *text)
{
    size_t n = strlen(text);
    for (size_t i = 0; i + n <= p->out_used; i++) {
        if (memcmp(p->out + i, text, n) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_prepared(const player_t *p)
{
    bool prompt = ends_with(p, "> ") || ends_with(p, "\r\n>");
    bool done = prompt || contains(p, "\r\nOK\r\n") || contains(p, "\r\nready\r\n");
    return done && (prompt || cipmux_phase(&p->modem) != CIPMUX_PHASE_OFF);
}

/* Waits until what was typed is done, and drops the output. */
static void await_ok(player_t *p)
{
    uint64_t limit_us = p->now_us + wait_limit_us;
    bool     moves = true;
    while (!p->failed && !is_prepared(p)) {
        bool refused = contains(p, "ERROR\r\n") || contains(p, "FAIL\r\n") || contains(p, "busy ");
        if (refused || !moves || next_deadline(p) == CIPMUX_NEVER) {
            fail_output(p, "the preparation did not end in OK:", p->out, p->out_used);
            return;
        }
        moves = advance(p, limit_us);
    }
    p->out_used = 0;
}

static void wait_for(player_t *p, uint64_t us)
{
    uint64_t until_us = p->now_us + us;
    while (!p->failed && advance(p, until_us)) {
        if (p->now_us == until_us) {
            return;
        }
    }
}

static void step_world(player_t *p)
{
    char error[200];
    if (!world_say(&p->world, p->now_us, p->step->words, error, sizeof error)) {
        fail(p, error);
    }
    settle(p);
}

static void run_step(player_t *p)
{
    if (p->options->late_us > 0 && p->step->kind != STEP_OUT) wait_for(p, p->options->late_us);
    switch (p->step->kind) {
    case STEP_IN:
        check_silence(p);
        type_bytes(p, p->step->bytes, p->step->n);
        break;
    case STEP_OUT: step_out(p); break;
    case STEP_PREPARE:
        check_silence(p);
        type_bytes(p, p->step->bytes, p->step->n);
        await_ok(p);
        break;
    case STEP_WAIT:
        if (p->step > p->transcript->step && p->step[-1].kind == STEP_WAIT) {
            check_silence(p); /* what `>` and `!` cause at once may stand before the first `@`: "within that time" */
        }
        wait_for(p, p->step->us);
        break;
    case STEP_WORLD:
        check_silence(p);
        step_world(p);
        break;
    }
}

/* ---- A play ---------------------------------------------------------------------------------------------------- */

/* "NAME=VALUE" of a header. */
static bool read_pair(const char *text, char *name, size_t size, unsigned long *value)
{
    const char *equals = strchr(text, '=');
    size_t      n = equals == NULL ? 0 : (size_t)(equals - text);
    if (n == 0 || n >= size) {
        return false;
    }
    char *end;
    memcpy(name, text, n);
    name[n] = '\0';
    *value = strtoul(equals + 1, &end, 10);
    return end != equals + 1 && *end == '\0';
}

static void configure(player_t *p)
{
    const transcript_t *transcript = p->transcript;
    char                name[40];
    unsigned long       value;
    if (!cipmux_config(&p->config, p->options->dialect)) {
        fail(p, "no such dialect");
        return;
    }
    if (p->options->config != NULL) p->config = *p->options->config;
    for (size_t i = 0; i < transcript->timing.n; i++) {
        const char *word = transcript->timing.word[i];
        if (strcmp(word, "fast") == 0 || strcmp(word, "real") == 0) {
            cipmux_config_timing(&p->config, word[0] == 'r');
        } else if (!read_pair(word, name, sizeof name, &value) ||
                   !cipmux_config_time(&p->config, name, (uint32_t)value)) {
            fail(p, "# timing: wants fast, real or NAME=MS");
        }
    }
    for (size_t i = 0; i < transcript->quirks.n; i++) {
        if (!read_pair(transcript->quirks.word[i], name, sizeof name, &value) ||
            !cipmux_config_quirk(&p->config, name, (unsigned)value)) {
            fail(p, "# quirk: wants ID=VALUE");
        }
    }
    if (transcript->gmr != NULL) p->config.gmr = transcript->gmr;
    p->config.heap = p->heap;
    p->config.heap_size = sizeof p->heap;
    p->config.flash = p->flash;
    memset(p->flash, 0xff, sizeof p->flash);
    if (p->options->quirk != NULL && !cipmux_config_quirk(&p->config, p->options->quirk, p->options->value)) {
        fail(p, "no such quirk");
    }
}

static void start(player_t *p)
{
    p->step = NULL;
    p->now_us = start_us;
    p->random = p->options->seed * 0x9e3779b97f4a7c15u + 1;
    p->failed = false;
    p->in_used = p->in_done = p->out_used = 0;
    p->report->passed = false;
    p->report->line = 0;
    p->report->stored = p->report->switched = false;
    p->report->hash = 2166136261u;
    p->report->text[0] = '\0';
    memset(p->report->noted, 0, sizeof p->report->noted);
    configure(p);
    if (p->failed) {
        return;
    }
    cipmux_power_on(&p->modem, &p->config, p->now_us);
    if (p->options->flash) cipmux_use_flash(&p->modem, NULL, 0);
    world_init(&p->world, &p->modem);
    settle(p);
    if (p->transcript->start == START_OFF) {
        return;
    }
    await_ok(p);
    if (p->transcript->start == START_READY && !p->failed) {
        type_bytes(p, (const uint8_t *)"ATE0\r\n", 6);
        await_ok(p);
    }
}

static int find_reason(const char *id)
{
    int reason = 0;
    while (reason < CIPMUX_REASON_COUNT && strcmp(cipmux_reason_id((cipmux_reason_t)reason), id) != 0) {
        reason++;
    }
    return reason;
}

/* The reasons that were noted are those of the header, no more and no fewer. */
static void check_reasons(player_t *p)
{
    const word_list_t *listed = &p->transcript->reasons;
    bool               expected[CIPMUX_REASON_COUNT] = { false };
    for (size_t i = 0; i < listed->n; i++) {
        int reason = find_reason(listed->word[i]);
        if (reason == CIPMUX_REASON_COUNT || expected[reason]) {
            if (fail_begins(p, 1)) {
                say(p, "# reasons: %s is %s\n", listed->word[i],
                    reason == CIPMUX_REASON_COUNT ? "no reason" : "listed twice");
            }
            return;
        }
        expected[reason] = true;
    }
    if (memcmp(expected, p->report->noted, sizeof expected) != 0 && fail_begins(p, 1)) {
        say(p, "other reasons were noted than # reasons: lists; these were:\n# reasons:");
        for (int reason = 0; reason < CIPMUX_REASON_COUNT; reason++) {
            if (p->report->noted[reason]) {
                say(p, " %s", cipmux_reason_id((cipmux_reason_t)reason));
            }
        }
        say(p, "\n");
    }
}

/* Whatever is answered. */
static void say_first(player_t *p)
{
    type_bytes(p, (const uint8_t *)p->options->first, strlen(p->options->first));
    p->out_used = 0;
}

bool play(player_t *player, const transcript_t *transcript, const play_options_t *options, play_report_t *report)
{
    player->transcript = transcript;
    player->options = options;
    player->report = report;
    start(player);
    for (size_t i = 0; i < transcript->steps && !player->failed; i++) {
        player->step = &transcript->step[i];
        if (options->first != NULL && i == (transcript->start == START_OFF ? 1 : 0)) say_first(player);
        run_step(player);
    }
    if (!player->failed) {
        check_silence(player);
    }
    if (!player->failed && !options->bytes_only) {
        check_reasons(player);
    }
    report->got = player->out;
    report->got_n = player->out_used;
    report->us = player->now_us - start_us;
    report->passed = !player->failed;
    return report->passed;
}

bool play_whole(player_t *player, const transcript_t *transcript, const char *dialect, play_report_t *report)
{
    play_options_t options = { .dialect = dialect, .cut = CUT_WHOLE };
    return play(player, transcript, &options, report);
}
