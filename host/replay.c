/* The host's side of a transcript against a module. See replay.h. */
#define _GNU_SOURCE /* memmem */
#include "replay.h"

#include "lenient.h"
#include "match.h"
#include "port.h"
#include "program.h"
#include "tty_line.h"
#include "writer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ANSWER_MS = 20000, QUIET_MS = 300, AROUND = 200 };

typedef struct {
    const transcript_t *transcript;
    const step_t       *step;
    int                 fd;
    pid_t               own; /* the modem's process; 0: none */
    writer_bytes_t      got; /* not yet accounted for */
    bool                differs;
} replay_t;

/* ---- The module -------------------------------------------------------------------------------------------------- */

static int open_device(const char *where)
{
    cipmux_line_t line = { .data_bits = 8, .stop_bits = 1 };
    size_t        length;
    char          path[256];
    if (!port_device_parse(where, &length, &line.baud) || length >= sizeof path) return -1;
    snprintf(path, sizeof path, "%.*s", (int)length, where);
    int fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0 && !tty_set_line(fd, &line, false)) {
        close(fd);
        return -1;
    }
    return fd;
}

static int tcp_socket(const char *host, uint16_t port, struct sockaddr_in *at)
{
    *at = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port) };
    return inet_pton(AF_INET, host, &at->sin_addr) == 1 ? socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;
}

static int open_module(const char *where)
{
    port_place_t       place;
    struct sockaddr_in at;
    if (strchr(where, '/') || !port_place_parse(where, &place)) return open_device(where);
    int fd = tcp_socket(place.host, place.port, &at);
    if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof at) == 0) return fd;
    close(fd);
    return -1;
}

/* This program again, as the modem of the file. */
static void become_modem(const transcript_t *transcript, unsigned port)
{
    enum { OPTIONS = 64 };
    static char option[OPTIONS][128];
    char       *argv[OPTIONS + 4] = { (char *)"cipmux", (char *)"--quiet", (char *)"--net=local" };
    size_t      n = 0;
    snprintf(option[n++], sizeof *option, "--tcp-connect=127.0.0.1:%u", port);
    snprintf(option[n++], sizeof *option, "--dialect=%s", transcript->dialects.word[0]);
    for (size_t i = 0; i < transcript->timing.n && n < OPTIONS; i++)
        snprintf(option[n++], sizeof *option, "--timing=%s", transcript->timing.word[i]);
    for (size_t i = 0; i < transcript->quirks.n && n < OPTIONS; i++)
        snprintf(option[n++], sizeof *option, "--quirk=%s", transcript->quirks.word[i]);
    for (size_t i = 0; i < n; i++)
        argv[3 + i] = option[i];
    execv("/proc/self/exe", argv);
    _exit(EXIT_USAGE);
}

static int own_modem(replay_t *replay)
{
    struct sockaddr_in at;
    socklen_t          length = sizeof at;
    struct pollfd      knocks = { .fd = tcp_socket("127.0.0.1", 0, &at), .events = POLLIN };
    int                fd = -1;
    if (knocks.fd < 0 || bind(knocks.fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(knocks.fd, 1) != 0 ||
        getsockname(knocks.fd, (struct sockaddr *)&at, &length) != 0)
        return -1;
    replay->own = fork();
    if (replay->own == 0) become_modem(replay->transcript, ntohs(at.sin_port));
    if (replay->own > 0 && poll(&knocks, 1, ANSWER_MS) == 1) fd = accept(knocks.fd, NULL, NULL);
    close(knocks.fd);
    return fd;
}

static uint64_t now_ms(void)
{
    return uv_hrtime() / 1000000;
}

/* Reads for so long at most; true as soon as something came. */
static bool hear(replay_t *replay, uint64_t until_ms)
{
    uint8_t       bytes[4096];
    uint64_t      now = now_ms();
    struct pollfd line = { .fd = replay->fd, .events = POLLIN };
    if (poll(&line, 1, until_ms > now ? (int)(until_ms - now) : 0) != 1) return false;
    ssize_t n = read(replay->fd, bytes, sizeof bytes);
    if (n <= 0) return false;
    writer_add(&replay->got, bytes, (size_t)n);
    return true;
}

static void type(replay_t *replay, const void *bytes, size_t n)
{
    for (size_t put = 0; put < n;) {
        struct pollfd line = { .fd = replay->fd, .events = POLLOUT };
        ssize_t wrote = poll(&line, 1, ANSWER_MS) == 1 ? write(replay->fd, (const char *)bytes + put, n - put) : -1;
        if (wrote <= 0) return;
        put += (size_t)wrote;
    }
}

/* ---- What differs ------------------------------------------------------------------------------------------------ */

static void print_bytes(const char *title, const uint8_t *bytes, size_t n, size_t mark)
{
    writer_bytes_t text = { 0 }, front = { 0 };
    size_t         from = mark > AROUND ? mark - AROUND : 0, to = n > mark + AROUND ? mark + AROUND : n;
    writer_escape(&front, bytes + from, mark - from, true);
    writer_escape(&text, bytes + mark, to - mark, true);
    printf("%s%.*s%.*s\n%*s^\n", title, (int)front.n, (const char *)front.bytes, (int)text.n, (const char *)text.bytes,
           (int)(strlen(title) + front.n), "");
    free(text.bytes);
    free(front.bytes);
}

/* What was expected from the step's begin on, with masks by their names, and where in that the difference is. */
static void print_expected(const transcript_t *transcript, const step_t *step, const match_place_t *place)
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
    print_bytes("  expected: ", all.bytes, all.n, mark < all.n ? mark : all.n);
    free(all.bytes);
}

static void differ(replay_t *replay, unsigned line, const char *what)
{
    replay->differs = true;
    printf("%s:%u: %s\n", replay->transcript->path, line, what);
}

/* ---- Steps ------------------------------------------------------------------------------------------------------- */

static void check_silence(replay_t *replay, unsigned line)
{
    while (hear(replay, 0))
        ;
    if (replay->got.n > 0 && replay->transcript->compare != COMPARE_ORDER) {
        differ(replay, line, "the module printed what no < line expects:");
        print_bytes("  got:      ", replay->got.bytes, replay->got.n, replay->got.n);
    }
}

/* Reads until one of the texts stands in what came. Its end; 0: none came. */
static size_t await(replay_t *replay, const char *const *texts, size_t n)
{
    uint64_t until_ms = now_ms() + ANSWER_MS;
    do {
        for (size_t i = 0; i < n; i++) {
            const uint8_t *at =
                replay->got.n ? memmem(replay->got.bytes, replay->got.n, texts[i], strlen(texts[i])) : NULL;
            if (at) return (size_t)(at - replay->got.bytes) + strlen(texts[i]);
        }
    } while (hear(replay, until_ms));
    return 0;
}

static bool prepare(replay_t *replay, const void *bytes, size_t n)
{
    static const char *const ends[] = { "\r\nOK\r\n", "\r\nready\r\n", "ERROR\r\n", "FAIL\r\n", "busy " };
    type(replay, bytes, n);
    size_t end = await(replay, ends, sizeof ends / sizeof *ends);
    bool   good = end > 0 && (memcmp(replay->got.bytes + end - 4, "OK\r\n", 4) == 0 ||
                            memcmp(replay->got.bytes + end - 4, "dy\r\n", 4) == 0);
    while (hear(replay, now_ms() + 20)) /* the prompt behind it */
        ;
    replay->got.n = 0;
    return good;
}

static void expect(replay_t *replay)
{
    const transcript_t *transcript = replay->transcript;
    uint64_t            until_ms = now_ms() + ANSWER_MS;
    for (;;) {
        size_t         used;
        match_place_t  place;
        writer_bytes_t out = { 0 };
        writer_add(&out, replay->got.bytes, replay->got.n);
        if (transcript->compare == COMPARE_LINES) out.n = match_squeeze(out.bytes, out.n);
        match_t result = match(transcript, replay->step, out.bytes, out.n, &used, &place);
        if (result == MATCH_FULL)
            writer_cut(&replay->got, transcript->compare == COMPARE_ORDER ? used : replay->got.n);
        else if (result == MATCH_NO || !hear(replay, until_ms)) {
            differ(replay, place.line, result == MATCH_NO ? "the bytes differ:" : "more is expected, nothing comes:");
            print_expected(transcript, replay->step, &place);
            print_bytes("  got:      ", out.bytes, out.n, place.at);
        }
        free(out.bytes);
        if (result == MATCH_FULL || replay->differs) return;
    }
}

static void run_step(replay_t *replay)
{
    const step_t *step = replay->step;
    switch (step->kind) {
    case STEP_IN:
        check_silence(replay, step->line);
        if (!replay->differs) type(replay, step->bytes, step->n);
        break;
    case STEP_OUT: expect(replay); break;
    case STEP_PREPARE:
        check_silence(replay, step->line);
        if (!replay->differs && !prepare(replay, step->bytes, step->n))
            differ(replay, step->line, "the preparation did not end in OK");
        break;
    case STEP_WAIT:
        for (uint64_t until_ms = now_ms() + (step->us + 999) / 1000; now_ms() < until_ms;)
            hear(replay, until_ms);
        break;
    case STEP_WORLD:
        fprintf(stderr, "%s:%u: skipped, a module has no such world: %s\n", replay->transcript->path, step->line,
                step->words);
        break;
    }
}

/* ---- A play ------------------------------------------------------------------------------------------------------ */

/* The first step that would write the module's flash. NULL: none. */
static const step_t *writes_flash(const transcript_t *transcript)
{
    static const char *const words[] = { "_DEF",         "AT+RESTORE",  "AT+SAVETRANSLINK", "AT+SYSSTORE=1",
                                         "AT+SYSFLASH=", "AT+CIUPDATE", "AT+USEROTA" };
    for (size_t i = 0; i < transcript->steps; i++) {
        const step_t *step = &transcript->step[i];
        if (step->kind != STEP_IN && step->kind != STEP_PREPARE) continue;
        for (size_t w = 0; w < sizeof words / sizeof *words; w++)
            for (size_t at = 0; at + strlen(words[w]) <= step->n; at++)
                if (strncasecmp((const char *)step->bytes + at, words[w], strlen(words[w])) == 0) return step;
    }
    return NULL;
}

/* Returns the first step to play. */
static size_t start(replay_t *replay)
{
    static const char *const ready[] = { "\r\nready\r\n" };
    const transcript_t      *transcript = replay->transcript;
    size_t                   first = 0;
    type(replay, "\r\n", 2); /* the end of whatever was typed before */
    while (hear(replay, now_ms() + QUIET_MS))
        ;
    replay->got.n = 0;
    if (transcript->start != START_OFF) {
        const char *echo = transcript->start == START_READY ? "ATE0\r\n" : "ATE1\r\n";
        if (!prepare(replay, echo, strlen(echo))) differ(replay, 1, "the module does not answer ATE");
        return 0;
    }
    type(replay, "AT+RST\r\n", 8);
    size_t end = await(replay, ready, 1);
    if (end == 0) differ(replay, 1, "the module does not restart");
    if (end > 0) writer_cut(&replay->got, end - strlen(ready[0]));
    for (; first < transcript->steps && transcript->step[first].kind != STEP_OUT; first++)
        fprintf(stderr, "%s:%u: skipped, before it is ready\n", transcript->path, transcript->step[first].line);
    return first;
}

/* What is set from now on stays out of the module's flash. ERROR where there is no such command. */
static void keep_out_of_flash(replay_t *replay)
{
    static const char line[] = "AT+SYSSTORE=0\r\n";
    prepare(replay, line, sizeof line - 1);
}

static int play(replay_t *replay, bool flash)
{
    const transcript_t *transcript = replay->transcript;
    const size_t        first = start(replay);
    for (size_t i = first; i < transcript->steps && !replay->differs; i++) {
        replay->step = &transcript->step[i];
        if (!flash && i == first + (transcript->start == START_OFF)) keep_out_of_flash(replay);
        run_step(replay);
    }
    hear(replay, now_ms() + QUIET_MS);
    if (!replay->differs) check_silence(replay, transcript->step[transcript->steps - 1].line);
    if (!replay->differs) printf("%s: the same\n", transcript->path);
    return replay->differs ? EXIT_DIFFERS : EXIT_DONE;
}

static char *read_text(const char *path)
{
    writer_bytes_t text = { 0 };
    char           bytes[4096];
    size_t         n;
    FILE          *file = fopen(path, "rb");
    if (!file) return NULL;
    while ((n = fread(bytes, 1, sizeof bytes, file)) > 0)
        writer_add(&text, bytes, n);
    fclose(file);
    writer_add(&text, "", 1);
    char *soft = lenient_text((char *)text.bytes);
    free(text.bytes);
    return soft;
}

static int play_file(const char *path, const char *module, bool flash)
{
    char          error[512];
    transcript_t *transcript = transcript_read(path, read_text(path), NULL, error, sizeof error);
    if (!transcript) return fprintf(stderr, "%s\n", error), EXIT_FILE;
    const step_t *writes = module && !flash ? writes_flash(transcript) : NULL;
    replay_t      replay = { .transcript = transcript, .fd = -1 };
    int           status = EXIT_USAGE;
    if (writes)
        fprintf(stderr, "%s:%u: this writes the module's flash: only with --allow-flash\n", path, writes->line);
    else if ((replay.fd = module ? open_module(module) : own_modem(&replay)) < 0)
        fprintf(stderr, "cipmux: %s: %s\n", module ? module : "own modem", strerror(errno));
    else
        status = play(&replay, flash || !module);
    if (replay.fd >= 0) close(replay.fd);
    if (replay.own > 0) {
        kill(replay.own, SIGTERM);
        waitpid(replay.own, NULL, 0);
    }
    free(replay.got.bytes);
    transcript_free(transcript);
    return status;
}

int replay_main(int argc, char **argv)
{
    const char *path = NULL, *module = NULL;
    bool        flash = false, good = true;
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "--module=", 9) == 0)
            module = argv[i] + 9;
        else if (strcmp(argv[i], "--allow-flash") == 0)
            flash = true;
        else if (argv[i][0] == '-' || path)
            good = false;
        else
            path = argv[i];
    }
    if (good && path) return play_file(path, module, flash);
    fprintf(stderr, "usage: cipmux replay FILE [--module=DEVICE[,BAUD]|HOST:PORT] [--allow-flash]\n");
    return EXIT_USAGE;
}
