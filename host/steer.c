/* Lines of the control socket: see steer.h. */
#include "steer.h"

#include "reasons.h"

#include <string.h>

typedef struct {
    program_t *program;
    board_t   *board;
    words_t   *words;
    char      *answer;
    size_t     size;
} steer_t;

__attribute__((format(printf, 2, 3))) static void add(steer_t *steer, const char *format, ...)
{
    size_t  used = strlen(steer->answer);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(steer->answer + used, steer->size - used, format, arguments);
    va_end(arguments);
}

static bool say_links(void *context, words_t *words)
{
    steer_t *steer = context;
    char     text[ADDRESS_TEXT_MAX];
    (void)words;
    for (size_t i = 0; i < CIPMUX_LINKS; i++) {
        const sockets_link_t *link = &steer->board->sockets.link[i];
        if (link->state < LINK_IS_OPEN) continue;
        address_text(&link->peer, text);
        add(steer, "%s%zu %s %s received=%llu sent=%llu", steer->answer[0] ? "; " : "", i, link->udp ? "udp" : "tcp",
            text, (unsigned long long)link->received, (unsigned long long)link->sent);
    }
    return true;
}

static bool say_counters(void *context, words_t *words)
{
    steer_t          *steer = context;
    cipmux_counters_t counters = cipmux_counters(&steer->board->modem);
    unsigned          links = 0;
    unsigned long     noted = 0;
    (void)words;
    for (size_t i = 0; i < CIPMUX_LINKS; i++)
        links += steer->board->sockets.link[i].state >= LINK_IS_OPEN;
    for (size_t i = 0; i < CIPMUX_REASON_COUNT; i++)
        noted += steer->board->noted[i];
    for (size_t i = 0; i < HOST_REASON_COUNT; i++)
        noted += steer->board->host_noted[i];
    add(steer,
        "links=%u faults=%lu noted=%lu bytes_while_off=%lu lines_while_busy=%lu surplus_bytes=%lu datagrams_lost=%lu",
        links, (unsigned long)steer->board->faults_injected, noted, (unsigned long)counters.bytes_while_off,
        (unsigned long)counters.busy_lines, (unsigned long)counters.surplus_bytes,
        (unsigned long)counters.datagrams_lost);
    return true;
}

static bool say_noted(void *context, words_t *words)
{
    steer_t           *steer = context;
    const words_arg_t *id = words_plain(words, 1, "a reason; cipmux help reasons lists them");
    if (id == NULL) return false;
    for (cipmux_reason_t i = 0; i < CIPMUX_REASON_COUNT; i++)
        if (words_is(id, cipmux_reason_id(i))) return add(steer, "%lu", (unsigned long)steer->board->noted[i]), true;
    for (host_reason_t i = HOST_REASON_NONE + 1; i < HOST_REASON_COUNT; i++)
        if (words_is(id, host_reason_id(i))) return add(steer, "%lu", (unsigned long)steer->board->host_noted[i]), true;
    return words_expected(words, id, "a reason; cipmux help reasons lists them");
}

static bool say_phase(void *context, words_t *words)
{
    static const char *const names[] = {
        [CIPMUX_PHASE_OFF] = "OFF",
        [CIPMUX_PHASE_COMMAND] = "COMMAND",
        [CIPMUX_PHASE_BUSY] = "BUSY",
        [CIPMUX_PHASE_COLLECTING] = "COLLECTING",
        [CIPMUX_PHASE_PASSTHROUGH] = "PASSTHROUGH",
    };
    steer_t *steer = context;
    (void)words;
    add(steer, "%s", names[cipmux_phase(&steer->board->modem)]);
    return true;
}

static bool say_time(void *context, words_t *words)
{
    steer_t *steer = context;
    uint64_t us = words->now_us - steer->program->start_us;
    add(steer, "%llu.%03llu", (unsigned long long)(us / 1000000), (unsigned long long)(us / 1000 % 1000));
    return true;
}

static bool say_reset(void *context, words_t *words)
{
    (void)words;
    board_reset(((steer_t *)context)->board);
    return true;
}

static const words_verb_t verbs[] = {
    { "links", say_links, "links", "which links are open" },
    { "counters", say_counters, "counters", "what was counted" },
    { "noted", say_noted, "noted REASON", "how often a reason was noted" },
    { "phase", say_phase, "phase", "what the modem does with bytes" },
    { "time", say_time, "time", "seconds since the start" },
    { "reset", say_reset, "reset", "the reset pin, at once; more words: cipmux help world" },
};
enum { VERBS = sizeof verbs / sizeof verbs[0] };

/* "@NAME " in front. False: words->error. */
static bool choose_modem(steer_t *steer, char *line)
{
    program_t *program = steer->program;
    steer->board = &program->modem[0].board;
    if (line[0] != '@') return true;
    size_t n = strcspn(line + 1, " ");
    for (size_t i = 0; i < program->modems; i++) {
        const char *name = program->names[i];
        if (!name || strlen(name) != n || memcmp(name, line + 1, n) != 0) continue;
        steer->board = &program->modem[i].board;
        memset(line, ' ', n + 1); /* so columns stay */
        return true;
    }
    return words_fail(steer->words, 1, "there is no modem %.*s", (int)n, line + 1);
}

static bool say(steer_t *steer, char *line)
{
    words_t *words = steer->words;
    words->error[0] = '\0';
    if (!choose_modem(steer, line) || !words_parse(words, line)) return false;
    if (words->count == 0) return true;
    if (words_verb(verbs, VERBS, (const char *)words->arg[0].text)) return words_run(verbs, VERBS, steer, words);
    const scene_t scene = program_scene(steer->program, steer->board);
    for (size_t i = 0; i < steer->program->modems; i++)
        board_settle(&steer->program->modem[i].board, words->now_us);
    if (!scene_say(&scene, words)) return false;
    program_record(steer->program, steer->board, line);
    board_log(steer->board, &(log_record_t){ .event = "world" }, "%s", line);
    return true;
}

bool steer_say(void *context, char *line, char *answer, size_t size)
{
    static words_t words; /* too large for the stack */
    steer_t        steer = { .program = context, .words = &words, .answer = answer, .size = size };
    words.now_us = board_now();
    words.draft = false;
    bool good = say(&steer, line);
    if (!good) snprintf(answer, size, "%s", words.error);
    for (size_t i = 0; i < steer.program->modems; i++)
        board_wake(&steer.program->modem[i].board);
    return good;
}
