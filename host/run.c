/* A command beside a board. See run.h. */
#include "run.h"

#include "child.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    RUN_STATUS_FAILED_ON = 1,
    RUN_STATUS_NOT_STARTED = 126,
    RUN_STATUS_NOT_FOUND = 127,
    STATUS_KILLED = 128 + SIGKILL,
    RUN_QUIET_US = 20000, /* behind the command's end: so long the modem must be quiet */
    RUN_STEP_MS = 10,     /* while ending */
    RUN_STEPS = 100,      /* then what the command left behind is killed, and the modem need not be quiet */
};

typedef struct {
    board_t     *board;
    char       **command;
    uv_prepare_t boot; /* until the modem is ready */
    uv_signal_t  ended;
    uv_timer_t   ending;
    sock_t      *alive; /* reports the end of the process that was started */
    unsigned     steps;
    bool         quiet;
    int          status;
} run_t;

/* ---- Its place in the world -------------------------------------------------------------------------------------- */

/* 127.64.0.0/10 has an address for each process id. Only where the whole of 127.0.0.0/8 is this computer. */
static cipmux_address_t own_address(void)
{
    uint32_t                id = (uint32_t)getpid() & 0x3fffff;
    struct sockaddr_storage at;
    cipmux_address_t        address = { .family = 4,
                                        .bytes = { 127, (uint8_t)(64 + (id >> 16)), (uint8_t)(id >> 8), (uint8_t)id } };
    socklen_t               length = address_to_sockaddr(&address, &at);
    int                     fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, length) != 0)
        memcpy(address.bytes, (const uint8_t[]){ 127, 0, 0, 1 }, 4);
    if (fd >= 0) close(fd);
    return address;
}

void run_publish(publish_t *rules, size_t *count)
{
    cipmux_address_t host = own_address();
    memmove(rules + RUN_RULES, rules, *count * sizeof *rules);
    rules[0] = (publish_t){ .at = host };
    rules[1] = (publish_t){ .at = host, .udp = true };
    *count += RUN_RULES;
}

static void tell_place(const board_t *board, const char *tty, const char *tcp)
{
    char        host[ADDRESS_TEXT_MAX];
    const char *text = address_text(&board->config->publish[0].at, host);
    host[strcspn(text, ":")] = '\0';
    setenv("CIPMUX_TTY", tty, 1);
    setenv("CIPMUX_TCP", tcp, 1);
    setenv("CIPMUX_HOST", host, 1);
}

bool run_plug(board_t *board, char *text)
{
    char    tty[PORT_ERROR_MAX], tcp[PORT_ERROR_MAX];
    port_t *first = port_pty(board->loop, NULL, tty), *second = port_tcp(board->loop, "127.0.0.1:0", tcp);
    if (first) board_plug(board, first);
    if (second) board_plug(board, second);
    snprintf(text, PORT_ERROR_MAX, "%.100s%s%.100s",
             first    ? tty
             : second ? tty
                      : tcp,
             first && second ? " and " : "", first && second ? tcp : "");
    if (!first || !second) return false;
    tell_place(board, tty, tcp);
    return true;
}

/* ---- The command ------------------------------------------------------------------------------------------------- */

static void step_of_ending(uv_timer_t *timer)
{
    run_t   *run = timer->data;
    unsigned step = run->steps++;
    int      unused;
    child_ended(&unused);
    unsigned rest = child_rest(step == 0 || step == RUN_STEPS / 2 ? SIGTERM : step >= RUN_STEPS ? SIGKILL : 0);
    if (rest == 0 && (run->quiet || step >= RUN_STEPS)) uv_stop(run->board->loop);
}

static void modem_is_quiet(void *context)
{
    ((run_t *)context)->quiet = true;
}

/* What the command wrote last is still on its way to the modem. */
static void end(run_t *run, int status)
{
    run->status = status;
    uv_signal_stop(&run->ended);
    board_linger(run->board, RUN_QUIET_US);
    uv_timer_start(&run->ending, step_of_ending, 0, RUN_STEP_MS);
}

static void something_ended(uv_signal_t *handle, int number)
{
    run_t *run = handle->data;
    int    status;
    (void)number;
    if (child_ended(&status)) end(run, status);
}

/* Nobody waits for the command any more. */
static void is_orphan(void *owner, int events)
{
    run_t *run = owner;
    (void)events;
    sock_want(run->alive, 0);
    uv_prepare_stop(&run->boot);
    end(run, STATUS_KILLED);
}

static void start_when_ready(uv_prepare_t *boot)
{
    run_t *run = boot->data;
    if (cipmux_phase(&run->board->modem) == CIPMUX_PHASE_OFF) return;
    uv_prepare_stop(boot);
    if (child_start(run->command)) {
        something_ended(&run->ended, SIGCHLD);
        return;
    }
    fprintf(stderr, "cipmux run: %s: %s\n", run->command[0], strerror(errno));
    run->status = errno == ENOENT ? RUN_STATUS_NOT_FOUND : RUN_STATUS_NOT_STARTED;
    uv_stop(run->board->loop);
}

/* ---- The verdict ------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    unsigned    bit;
} fail_names[] = { { "refusal", RUN_FAIL_REFUSAL }, { "loss", RUN_FAIL_LOSS }, { "classic", RUN_FAIL_CLASSIC } };

unsigned run_fail_named(const char *name)
{
    for (size_t i = 0; i < sizeof fail_names / sizeof *fail_names; i++)
        if (strcmp(name, fail_names[i].name) == 0) return fail_names[i].bit;
    return 0;
}

/* Most of the engine's reasons are refusals. These are not: outcomes on the network, and remarks. */
static unsigned class_of(cipmux_reason_t reason)
{
    static const struct {
        cipmux_reason_t reason;
        unsigned class;
    } others[] = {
        { CIPMUX_REASON_SINGLE_SERVER, RUN_FAIL_CLASSIC },
        { CIPMUX_REASON_SEND_FAILED, RUN_FAIL_LOSS },
        { CIPMUX_REASON_DATAGRAM_LOST, RUN_FAIL_LOSS },
        { CIPMUX_REASON_FORCED_RESTART, 0 },
        { CIPMUX_REASON_IDLE_TIMEOUT, 0 },
        { CIPMUX_REASON_DNS_FAIL, 0 },
        { CIPMUX_REASON_DIAL_FAILED, 0 },
        { CIPMUX_REASON_SEND_CANCELED, 0 },
        { CIPMUX_REASON_JOIN_FAILED, 0 },
        { CIPMUX_REASON_WIFI_LOST, 0 },
        { CIPMUX_REASON_NO_LEASE, 0 },
        { CIPMUX_REASON_SCAN_REFUSED, 0 },
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (others[i].reason == reason) return others[i].class;
    return RUN_FAIL_REFUSAL;
}

/* What works here and not on hardware. */
static const host_reason_t only_here[] = { HOST_REASON_LOOPBACK_IS_MODULE, HOST_REASON_SERVER_WITHOUT_WIFI,
                                           HOST_REASON_RATE_DIFFERS };

/* The one line on stderr, under construction. */
typedef struct {
    char   text[1024];
    size_t used;
    bool   failed;
} verdict_t;

static void add(verdict_t *verdict, const char *what, const char *id, unsigned long times)
{
    if (times == 0) return;
    size_t room = sizeof verdict->text - verdict->used;
    int    n =
        snprintf(verdict->text + verdict->used, room, "%s %s %s (%lu)", verdict->failed ? "," : "", what, id, times);
    if (n > 0) verdict->used += (size_t)n < room ? (size_t)n : room - 1;
    verdict->failed = true;
}

static void add_reasons(verdict_t *verdict, const board_t *board, unsigned fail_on)
{
    for (cipmux_reason_t i = 0; i < CIPMUX_REASON_COUNT; i++) {
        unsigned class = class_of(i) & fail_on;
        const char *name = class == RUN_FAIL_CLASSIC ? "classic" : class == RUN_FAIL_LOSS ? "loss" : "refusal";
        if (class) add(verdict, name, cipmux_reason_id(i), board->noted[i]);
    }
    for (size_t i = 0; i < sizeof only_here / sizeof *only_here && (fail_on & RUN_FAIL_REFUSAL); i++)
        add(verdict, "refusal", host_reason_id(only_here[i]), board->host_noted[only_here[i]]);
}

static void add_losses(verdict_t *verdict, const board_t *board)
{
    cipmux_counters_t counters = cipmux_counters(&board->modem);
    add(verdict, "loss", "bytes while the modem was off", counters.bytes_while_off);
    add(verdict, "loss", "surplus bytes", counters.surplus_bytes);
    add(verdict, "loss", "garbled or lost bytes", (unsigned long)wire_garbled(board));
}

static bool fails(const board_t *board, unsigned fail_on)
{
    verdict_t verdict = { .used = 0 };
    add_reasons(&verdict, board, fail_on);
    if (fail_on & RUN_FAIL_LOSS) add_losses(&verdict, board);
    if (verdict.failed) fprintf(stderr, "cipmux run: the command succeeded, but:%s\n", verdict.text);
    return verdict.failed;
}

int run_command(board_t *board, char **command, unsigned fail_on, int alive)
{
    run_t run = { .board = board, .command = command };
    run.alive = sock_new(board->loop, alive, is_orphan, &run);
    if (run.alive) sock_want(run.alive, UV_READABLE);
    const int no_signals = uv_signal_init(board->loop, &run.ended);
    if (no_signals) {
        fprintf(stderr, "cipmux run: %s\n", uv_strerror(no_signals));
        sock_close(run.alive);
        return RUN_STATUS_NOT_STARTED;
    }
    uv_prepare_init(board->loop, &run.boot);
    uv_timer_init(board->loop, &run.ending);
    run.boot.data = run.ended.data = run.ending.data = &run;
    board->finished = modem_is_quiet;
    /* cppcheck-suppress autoVariables ; the loop ends before this function does */
    board->context = &run;
    uv_signal_start(&run.ended, something_ended, SIGCHLD);
    uv_prepare_start(&run.boot, start_when_ready);
    uv_run(board->loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&run.boot, NULL);
    uv_close((uv_handle_t *)&run.ended, NULL);
    uv_close((uv_handle_t *)&run.ending, NULL);
    sock_close(run.alive);
    uv_run(board->loop, UV_RUN_NOWAIT); /* the handles are ours: they are gone before we are */
    board->finished = NULL;
    board->context = NULL;
    return run.status == 0 && fails(board, fail_on) ? RUN_STATUS_FAILED_ON : run.status;
}
