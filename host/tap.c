/* See tap.h. */
#include "tap.h"

#include "control.h"
#include "explain_main.h"
#include "faults.h"
#include "lenient.h"
#include "program.h"
#include "scenarios.h"
#include "tap_end.h"
#include "writer.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { HOST, MODULE, ENDS, FAULT_FILES = 8, RATE_LINE = 64, SIGNALS = 3 };

typedef struct {
    const char   *record, *control_path, *fault[FAULT_FILES], *dialect;
    size_t        faults_said;
    unsigned long seed;
    bool          explains, quiet;

    uv_loop_t   loop;
    uv_timer_t  clock;
    uv_signal_t signal[SIGNALS];
    uint64_t    start_us, bytes[ENDS];
    tap_end_t   end[ENDS];
    faults_t    faults;
    words_t     words;
    writer_t    writer;
    explain_t   explain;
    unsigned    pieces;
    control_t  *control;
    char        typed[RATE_LINE]; /* the line so far: it may change the rate */
    size_t      typed_n;
    uint32_t    next_baud; /* with the OK that comes; 0: none */
    char        tail[6];   /* of what was printed last */
    int         status;
} tap_t;

/* ---- The log ----------------------------------------------------------------------------------------------------- */

static uint64_t now_us(const tap_t *tap)
{
    return uv_hrtime() / 1000 - tap->start_us;
}

__attribute__((format(printf, 2, 3))) static void say(const tap_t *tap, const char *format, ...)
{
    va_list arguments;
    if (tap->quiet) return;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

static void note(void *context, unsigned line, pain_t pain, const char *about)
{
    const tap_t *tap = context;
    (void)line;
    fprintf(stderr, "%.3f s: ", (double)now_us(tap) / 1e6);
    explain_print(stderr, pain, about);
    fputc('\n', stderr);
}

static void end(tap_t *tap, int status)
{
    tap->status = status;
    uv_stop(&tap->loop);
}

/* ---- The rate ---------------------------------------------------------------------------------------------------- */

/* "AT+UART_CUR=9600,8,1,0,0": the rate, from the OK of that line on. */
static void watch_typed(tap_t *tap, const uint8_t *bytes, size_t n)
{
    static const char *const names[] = { "AT+UART=", "AT+UART_CUR=", "AT+UART_DEF=", "AT+IPR=" };
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] != '\n') {
            if (tap->typed_n + 1 < RATE_LINE) tap->typed[tap->typed_n++] = (char)bytes[i];
            continue;
        }
        tap->typed[tap->typed_n] = '\0';
        tap->typed_n = 0;
        for (size_t k = 0; k < sizeof names / sizeof *names; k++)
            if (strncmp(tap->typed, names[k], strlen(names[k])) == 0)
                tap->next_baud = (uint32_t)strtoul(tap->typed + strlen(names[k]), NULL, 10);
    }
}

/* The module switches behind its OK; not behind an ERROR. */
static void watch_printed(tap_t *tap, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n && tap->next_baud; i++) {
        memmove(tap->tail, tap->tail + 1, sizeof tap->tail - 1);
        tap->tail[sizeof tap->tail - 1] = (char)bytes[i];
        if (memcmp(tap->tail + 2, "OR\r\n", 4) == 0) tap->next_baud = 0;
        if (memcmp(tap->tail, "\r\nOK\r\n", 6) != 0) continue;
        tap_end_flush(&tap->end[HOST]);
        for (int k = 0; k < ENDS; k++)
            tap_end_set_rate(&tap->end[k], tap->next_baud);
        say(tap, "rate: %u baud", (unsigned)tap->next_baud);
        tap->next_baud = 0;
    }
}

static void follow_host(tap_t *tap)
{
    if (!tap_end_rate_changed(&tap->end[HOST])) return;
    tap_end_set_rate(&tap->end[MODULE], tap->end[HOST].baud);
    say(tap, "rate: %u baud, as the host has it", (unsigned)tap->end[HOST].baud);
}

/* ---- Bytes ------------------------------------------------------------------------------------------------------- */

/* What passes at the host's end of the line. */
static void hear(tap_t *tap, faults_lane_t lane, const uint8_t *bytes, size_t n)
{
    const uint64_t now = now_us(tap);
    tap->bytes[lane == FAULTS_TYPED ? HOST : MODULE] += n;
    if (lane == FAULTS_TYPED)
        watch_typed(tap, bytes, n);
    else
        watch_printed(tap, bytes, n);
    if (tap->record) (lane == FAULTS_TYPED ? writer_typed : writer_printed)(&tap->writer, now, bytes, n);
    if (!tap->explains) return;
    explain_time(&tap->explain, now);
    explain_bytes(&tap->explain, lane == FAULTS_TYPED ? EXPLAIN_TYPED : EXPLAIN_PRINTED, ++tap->pieces, bytes, n);
}

static void deliver(tap_t *tap, faults_lane_t lane, tap_end_t *to, const uint8_t *bytes, size_t n)
{
    tap_end_put(to, bytes, n);
    if (lane == FAULTS_PRINTED) hear(tap, lane, bytes, n);
}

/* Through the lane of the faults, or past it as long as nothing was said. True: something moved. */
static bool pass(tap_t *tap, faults_lane_t lane, tap_end_t *from, tap_end_t *to)
{
    const uint8_t *bytes;
    bool           moved = false;
    size_t         room = tap_end_room(to), n = from->in_end - from->in_first;
    if (!faults_used(&tap->faults) && faults_is_empty(&tap->faults, lane)) {
        n = n < room ? n : room;
        if (n > 0) deliver(tap, lane, to, from->in + from->in_first, n);
        from->in_first += n;
        return n > 0;
    }
    for (;;) {
        n = from->in_end - from->in_first;
        room = faults_room(&tap->faults, lane);
        if (n == 0) faults_quiet(&tap->faults, now_us(tap), lane);
        n = n < room ? n : room;
        if (n > 0) faults_put(&tap->faults, now_us(tap), lane, from->in + from->in_first, n);
        from->in_first += n;
        size_t out = faults_peek(&tap->faults, now_us(tap), lane, &bytes);
        room = tap_end_room(to);
        out = out < room ? out : room;
        if (out > 0) deliver(tap, lane, to, bytes, out);
        faults_taken(&tap->faults, lane, out);
        if (n == 0 && out == 0) return moved;
        moved = true;
    }
}

/* One direction. True: something moved. */
static bool move(tap_t *tap, faults_lane_t lane)
{
    tap_end_t *from = &tap->end[lane == FAULTS_TYPED ? HOST : MODULE];
    tap_end_t *to = &tap->end[lane == FAULTS_TYPED ? MODULE : HOST];
    ptrdiff_t  got = tap_end_read(from);
    if (got > 0 && lane == FAULTS_TYPED) {
        follow_host(tap);
        hear(tap, lane, from->in, (size_t)got);
    }
    const bool sound = got >= 0 && tap_end_flush(to); /* makes room: nothing else would wake who waits for it */
    const bool moved = sound && pass(tap, lane, from, to);
    if (sound && tap_end_flush(to)) return moved || got > 0;
    say(tap, "tap: %s is gone", got < 0 ? from->where : to->where);
    end(tap, EXIT_DONE);
    return false;
}

static bool say_words(tap_t *tap, const char *line);

static void wait_for_more(tap_t *tap);

static void pump(tap_t *tap)
{
    const char *text;
    bool        moved = true;
    while (moved && tap->status < 0) {
        const bool typed = move(tap, FAULTS_TYPED);
        moved = move(tap, FAULTS_PRINTED) || typed;
        while ((text = faults_due(&tap->faults, now_us(tap))) != NULL) {
            char line[FAULTS_WORDS];
            snprintf(line, sizeof line, "%s", text);
            say_words(tap, line);
            moved = true;
        }
        while ((text = faults_told(&tap->faults)) != NULL)
            say(tap, "fault: %s", text);
    }
    wait_for_more(tap);
}

static void clock_rings(uv_timer_t *clock)
{
    pump(clock->data);
}

static void wait_for_more(tap_t *tap)
{
    const uint64_t due = faults_deadline(&tap->faults), now = now_us(tap);
    for (int i = 0; i < ENDS; i++) {
        int events = tap->end[i].in_first == tap->end[i].in_end ? UV_READABLE : 0;
        if (tap->end[i].first < tap->end[i].end) events |= UV_WRITABLE;
        sock_want(tap->end[i].sock, events);
    }
    if (due == CIPMUX_NEVER)
        uv_timer_stop(&tap->clock);
    else
        uv_timer_start(&tap->clock, clock_rings, due > now ? (due - now + 999) / 1000 : 0, 0);
}

static void ready(void *owner, int events)
{
    (void)events;
    pump(owner);
}

/* ---- Words ------------------------------------------------------------------------------------------------------- */

static bool only_the_wire(tap_t *tap, unsigned column)
{
    return words_fail(&tap->words, column,
                      "expected typed, printed, match, on or every: a tap has the wire, not the links nor the radio");
}

/* What a rule says later is checked now. */
static bool check_rule(tap_t *tap, const char *line)
{
    static const char *const begins[] = { "typed ", "printed ", "match " };
    unsigned                 column;
    const char              *later = faults_words(&tap->faults, &tap->words, &column);
    (void)line;
    if (!later) return true;
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
        if (strncmp(later, begins[i], strlen(begins[i])) == 0) return true;
    faults_take_back(&tap->faults);
    return only_the_wire(tap, column);
}

/* False: tap->words.error. */
static bool say_words(tap_t *tap, const char *line)
{
    words_t *words = &tap->words;
    if (!words_parse(words, line)) return false;
    words->now_us = now_us(tap);
    if (words->count == 0) return true;
    if (!words_verb(faults_verbs, FAULTS_VERBS, (const char *)words->arg[0].text)) return only_the_wire(tap, 1);
    return words_run(faults_verbs, FAULTS_VERBS, &tap->faults, words) && check_rule(tap, line);
}

/* What the control socket says: words, or `counters`. */
static bool control_say(void *context, char *line, char *answer, size_t size)
{
    tap_t *tap = context;
    if (strcmp(line, "counters") == 0) {
        snprintf(answer, size, "typed=%llu printed=%llu", (unsigned long long)tap->bytes[HOST],
                 (unsigned long long)tap->bytes[MODULE]);
        return true;
    }
    const bool good = say_words(tap, line);
    snprintf(answer, size, "%s", good ? "" : tap->words.error);
    if (good) pump(tap);
    return good;
}

/* A file of faults, or one that is built in. */
static bool say_file(tap_t *tap, const char *name)
{
    const char *built_in = scenarios_find(name);
    char       *text = built_in ? strdup(built_in) : lenient_file(name);
    unsigned    number = 0;
    bool        good = text != NULL;
    if (!text)
        fprintf(stderr, "cipmux: --fault=%s: there is no such file, and no such fault; cipmux --fault=list\n", name);
    for (char *line = text, *next; line && *line && good; line = next) {
        const size_t n = strcspn(line, "\n");
        next = line + n + (line[n] ? 1 : 0);
        line[n] = '\0';
        number++;
        if (line[0] == '#') continue;
        good = say_words(tap, line);
        if (!good) fprintf(stderr, "cipmux: %s:%u: %s\n", name, number, tap->words.error);
    }
    free(text);
    return good;
}

/* ---- From the options to the end ---------------------------------------------------------------------------------- */

static void on_signal(uv_signal_t *signal, int number)
{
    end(signal->data, EXIT_SIGNAL + number);
}

static bool write_record(tap_t *tap)
{
    FILE *file = fopen(tap->record, "w");
    if (!file) return false;
    fprintf(file, "# dialect: %s\n# start: off\n# note: what passed at the host's end of a tap\n", tap->dialect);
    writer_write(&tap->writer, file);
    return fclose(file) == 0;
}

static void open_loop(tap_t *tap)
{
    static const int numbers[SIGNALS] = { SIGINT, SIGTERM, SIGHUP };
    uv_loop_init(&tap->loop);
    uv_timer_init(&tap->loop, &tap->clock);
    tap->clock.data = tap;
    for (int i = 0; i < SIGNALS; i++) {
        uv_signal_init(&tap->loop, &tap->signal[i]);
        tap->signal[i].data = tap;
        uv_signal_start(&tap->signal[i], on_signal, numbers[i]);
    }
}

static void close_loop(tap_t *tap)
{
    control_close(tap->control);
    for (int i = 0; i < ENDS; i++)
        tap_end_close(&tap->end[i]);
    for (int i = 0; i < SIGNALS; i++)
        uv_close((uv_handle_t *)&tap->signal[i], NULL);
    uv_close((uv_handle_t *)&tap->clock, NULL);
    uv_run(&tap->loop, UV_RUN_DEFAULT);
    uv_loop_close(&tap->loop);
}

/* False: after a complaint; tap->status. */
static bool plug(tap_t *tap)
{
    for (int i = 0; i < ENDS; i++) {
        tap_end_t *one = &tap->end[i];
        tap->status = EXIT_USAGE;
        if (!tap_end_open(one, one->where) || !(one->sock = sock_new(&tap->loop, one->line.fd, ready, tap)))
            return fprintf(stderr, "cipmux: %s: %s\n", one->where, strerror(errno)), false;
    }
    tap->status = EXIT_FILE;
    for (size_t i = 0; i < tap->faults_said; i++)
        if (!say_file(tap, tap->fault[i])) return false;
    tap->status = EXIT_USAGE;
    if (tap->control_path && !(tap->control = control_open(&tap->loop, tap->control_path, control_say, tap)))
        return fprintf(stderr, "cipmux: %s: %s\n", tap->control_path, strerror(errno)), false;
    tap->status = -1;
    return true;
}

static int run(tap_t *tap)
{
    const explain_out_t out = { .note = note, .context = tap };
    tap->start_us = uv_hrtime() / 1000 - 1;
    faults_init(&tap->faults, tap->seed);
    explain_init(&tap->explain, &out);
    writer_init(&tap->writer, now_us(tap));
    open_loop(tap);
    if (plug(tap)) {
        say(tap, "tap: the host is at %s, the module at %s",
            tap->end[HOST].path[0] ? tap->end[HOST].path : tap->end[HOST].where, tap->end[MODULE].where);
        pump(tap);
        uv_run(&tap->loop, UV_RUN_DEFAULT);
        if (tap->explains) explain_end(&tap->explain);
        if (tap->record && !write_record(tap)) {
            fprintf(stderr, "cipmux: %s: %s\n", tap->record, strerror(errno));
            tap->status = EXIT_USAGE;
        }
    }
    close_loop(tap);
    writer_free(&tap->writer);
    return tap->status;
}

static bool read_option(tap_t *tap, const char *text)
{
    const struct {
        const char *name, **value;
    } texts[] = { { "--record=", &tap->record },
                  { "--control=", &tap->control_path },
                  { "--dialect=", &tap->dialect } };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const size_t n = strlen(texts[i].name);
        if (strncmp(text, texts[i].name, n) != 0) continue;
        *texts[i].value = text + n;
        return text[n] != '\0';
    }
    if (strncmp(text, "--fault=", 8) == 0 && tap->faults_said < FAULT_FILES)
        return tap->fault[tap->faults_said++] = text + 8, true;
    if (strncmp(text, "--seed=", 7) == 0) return options_number(text + 7, UINT32_MAX, &tap->seed);
    if (strcmp(text, "--explain") == 0) return tap->explains = true;
    if (strcmp(text, "--quiet") == 0) return tap->quiet = true;
    if (text[0] == '-' || tap->end[MODULE].where) return false;
    tap->end[tap->end[HOST].where ? MODULE : HOST].where = text;
    return true;
}

int tap_main(int argc, char **argv)
{
    static tap_t tap = { .dialect = "classic", .status = -1 };
    bool         good = true;
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < argc && good; i++)
        good = read_option(&tap, argv[i]);
    if (good && tap.end[MODULE].where) return run(&tap);
    fprintf(stderr,
            "usage: cipmux tap pty[:LINK]|" MODULE_WHERE " " MODULE_WHERE "\n       [--record=FILE] [--explain] "
            "[--fault=FILE|NAME]... [--seed=N] [--control=PATH] [--quiet]    (cipmux help tap)\n");
    return EXIT_USAGE;
}

void tap_help(FILE *out)
{
    fputs("cipmux tap HOST MODULE stands between the two on the serial line, with a serial port for each:\n\n"
          "  cipmux tap /dev/ttyUSB0,115200 /dev/ttyUSB1,115200 --record=session.txt --explain\n"
          "  cipmux tap pty:/tmp/esp8266 /dev/ttyUSB0 --fault=send-ok-late\n\n"
          "HOST and MODULE are a serial device with its rate, [tcp:]HOST:PORT or unix:PATH; HOST may be pty, or "
          "pty:LINK:\n"
          "a pseudo-terminal that it makes, for a program on this computer. Bytes go both ways unchanged.\n\n"
          "The rate follows: when the host's AT+UART (_CUR, _DEF) or AT+IPR is answered with OK, and when a program on "
          "the\n"
          "pseudo-terminal sets another one.\n\n"
          "  --record=FILE       at the end, write what passed at the host's end of the line as a transcript, for\n"
          "                      cipmux replay and cipmux explain; --dialect=NAME is written into its head\n"
          "  --explain           say on standard error what goes wrong, as it happens: cipmux help explain\n"
          "  --fault=FILE|NAME   words that touch the wire: typed, printed, match, and on and every with these;\n"
          "                      cipmux help world has them. --seed=N is for those that come at random\n"
          "  --control=PATH      a Unix socket on which a test says such words, or asks for `counters`: cipmux ctl\n"
          "  --quiet             say nothing of rates and faults\n\n"
          "It ends with a signal, or when one of the lines is gone. Exit status: 0 that, 2 no such line or wrong "
          "options,\n"
          "3 a wrong file of faults, 128 and its number for a signal.\n",
          out);
}
