/* The simulation: one clock, and everything that happens at an instant. */
#include "sim.h"

#include <stdarg.h>
#include <string.h>

enum { ROUNDS_MAX = 100000, CANARY = 0xa5 };

node_t      node[NODES];
uint32_t    nodes;
uint64_t    now_us;
char        failure[FAILURE];
char        failed_rule[16];
uint8_t     failed_node;
struct sums sums;

void sim_fail(const node_t *n, const char *rule, const char *format, ...)
{
    va_list list;
    if (failure[0]) return;
    const int at = snprintf(failure, sizeof failure, "%s, at %.6f s, modem %u (%s): ", rule, (double)now_us / 1e6,
                            n->number, cipmux_dialect_name(n->config.dialect));
    va_start(list, format);
    vsnprintf(failure + at, sizeof failure - (size_t)at, format,
              list); /* NOLINT(clang-analyzer-valist.Uninitialized) */
    va_end(list);
    for (char *c = failure; *c; c++)
        if (*c < ' ' || *c > '~') *c = '?';
    snprintf(failed_rule, sizeof failed_rule, "%s", rule);
    failed_node = n->number;
}

bool sim_failed(void)
{
    return failure[0] != '\0';
}

/* ---- Beginning ------------------------------------------------------------------------------------------------------- */

static void say(node_t *n, const char *words)
{
    char error[200];
    if (!world_say(&n->world, now_us, words, error, sizeof error)) sim_fail(n, "test", "%s: %s", words, error);
    log_words(n, "%s", words);
}

static void paint_canary(node_t *n)
{
    const size_t lent = cipmux_link_memory(&n->modem);
    for (size_t i = 0; i < NET_BLOCKS; i++)
        memset((uint8_t *)n->world.net.memory[i] + lent, CANARY, NET_BLOCK - lent);
}

static void check_canary(const node_t *n)
{
    const size_t lent = cipmux_link_memory(&n->modem);
    for (size_t i = 0; i < NET_BLOCKS; i++)
        for (size_t at = lent; at < NET_BLOCK; at++)
            if (((const uint8_t *)n->world.net.memory[i])[at] != CANARY) {
                sim_fail(n, "memory", "it wrote behind the memory that was lent to it");
                return;
            }
}

/* Who listens at first, and in the end. */
static const char *const places[] = { "listen s0 10.0.2.2:5000", "listen s1 10.0.2.2:5001 after=50ms",
                                      "listen s2 10.0.2.2:5002 after=400ms" };
enum { PLACES = sizeof places / sizeof *places };

static void start(const plan_t *plan, uint8_t number)
{
    static const char *const words[] = { "silent 10.0.2.2:5003",    "reset 10.0.2.2:5004",
                                         "no-memory 10.0.2.2:5006", "name host.lab 10.0.2.2 after=10ms",
                                         "ping 10.0.2.2 5ms",       "udp u 10.0.2.2:6000" };
    node_t                  *n = &node[number];
    memset(n, 0, offsetof(node_t, world));
    memset(n->queue, 0, sizeof *n - offsetof(node_t, queue));
    n->number = number;
    cipmux_config(&n->config, cipmux_dialect_name(plan->node[number].dialect));
    cipmux_config_timing(&n->config, plan->node[number].real);
    n->nonos = strncmp(cipmux_dialect_name(n->config.dialect), "esp-at", 6) != 0;
    cipmux_power_on(&n->modem, &n->config, now_us);
    world_init(&n->world, &n->modem);
    paint_canary(n);
    for (size_t i = 0; i < PLACES; i++)
        say(n, places[i]);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        say(n, words[i]);
    for (uint32_t i = 0; i < plan->nodes; i++) {
        char other[60];
        snprintf(other, sizeof other, "listen m%u 10.0.2.%u:80", i, 100 + i);
        say(n, other);
    }
    n->off = n->dirty = true;
    n->restarts = 1;
    if (plan->node[number].driven)
        driven_start(n, plan->node[number].start & 2, plan->node[number].start & 4);
    else
        host_start(n, plan->node[number].start);
}

/* ---- An instant ------------------------------------------------------------------------------------------------------ */

/* What the modem is doing has changed. */
static void look_at_phase(node_t *n)
{
    const cipmux_phase_t phase = cipmux_phase(&n->modem);
    const bool           off = phase == CIPMUX_PHASE_OFF, through = phase == CIPMUX_PHASE_PASSTHROUGH;
    if (off && !n->off) {
        taken_restart(n);
        n->queued = 0;
        n->host = HOST_IDLE;
    }
    n->off = off;
    if (n->through && !through && !off) { /* what ended and began in passthrough was not told */
        conn_t *c = conn_now(n, 0);
        if (n->open[0] && n->open[0] != c) n->open[0]->ended = true;
        n->open[0] = c;
        if (c) c->told = true, n->last[0] = c;
    }
    n->through = through;
}

static bool pull_pin(node_t *n)
{
    if (!n->pin) return false;
    n->pin = false;
    n->off = true;
    taken_restart(n);
    said_reset(n);
    n->restarts = 1;
    n->queued = 0;
    n->host = HOST_IDLE;
    return true;
}

static bool serve(node_t *n)
{
    cipmux_request_t request;
    bool             moved = false;
    for (int i = 0; cipmux_request(&n->modem, now_us, &request); i++) {
        if (i == 1000) {
            sim_fail(n, "memory", "requests without end");
            break;
        }
        world_request(&n->world, now_us, &request);
        moved = true;
    }
    return moved;
}

static bool notes(node_t *n)
{
    cipmux_note_t note;
    bool          moved = false;
    while (cipmux_note(&n->modem, &note))
        moved = true;
    return moved;
}

static bool turn(node_t *n)
{
    bool moved = host_acts(n);
    look_at_phase(n);
    moved = host_types(n) || moved;
    look_at_phase(n);
    moved = serve(n) || moved;
    moved = world_offer(&n->world, now_us) || moved;
    pull_pin(n);
    look_at_phase(n);
    conn_look(n);
    moved = conn_collect(n) || moved;
    moved = notes(n) || moved;
    moved = said_read(n) || moved;
    look_at_phase(n);
    const uint64_t due_us = cipmux_deadline(&n->modem);
    if (due_us <= now_us) {
        cipmux_tick(&n->modem, now_us);
        look_at_phase(n);
        moved = moved || cipmux_deadline(&n->modem) != due_us;
    }
    return moved;
}

static void check_answers(const node_t *n)
{
    if (n->dues && n->heard_us > n->due[0].at_us + ANSWER_LIMIT && n->heard_us == now_us)
        sim_fail(n, "answers", "no answer to %s", n->due[0].text);
    if (n->sends && !(n->collecting && n->sends == 1) && n->heard_us > n->send[0].at_us + VERDICT_LIMIT &&
        n->heard_us == now_us)
        sim_fail(n, "answers", "no verdict of a send of %u bytes", n->send[0].n);
}

/* Everything has come to rest at this instant. */
static void check(node_t *n)
{
    const cipmux_counters_t counters = cipmux_counters(&n->modem);
    if (cipmux_deadline(&n->modem) <= now_us && n->heard_us == now_us)
        sim_fail(n, "time", "its deadline is in the past, at %llu us", (unsigned long long)cipmux_deadline(&n->modem));
    if (world_fault(&n->world)[0]) sim_fail(n, "memory", "%s", world_fault(&n->world));
    if (counters.refused_events) sim_fail(n, "links", "an event of the network was refused");
    if (counters.notes_lost) sim_fail(n, "memory", "a note was lost");
    check_answers(n);
}

static void settle(void)
{
    bool moved = true;
    for (int rounds = 0; moved && !sim_failed(); rounds++) {
        moved = false;
        for (uint32_t i = 0; i < nodes && !sim_failed(); i++) {
            node_t *n = &node[i];
            if (!n->dirty) continue;
            n->dirty = false;
            if (turn(n)) n->dirty = true;
            moved = true;
            if (!n->dirty) check(n);
        }
        if (rounds == ROUNDS_MAX) sim_fail(&node[0], "time", "it never comes to rest");
    }
}

/* ---- Time ------------------------------------------------------------------------------------------------------------ */

static uint64_t node_deadline(const node_t *n)
{
    const uint64_t modem_us = cipmux_deadline(&n->modem), world_us = world_deadline(&n->world, now_us);
    const uint64_t host_us = host_deadline(n);
    uint64_t       due_us = modem_us > now_us ? modem_us : CIPMUX_NEVER;
    if (world_us < due_us) due_us = world_us;
    return host_us < due_us ? host_us : due_us;
}

/* Just before the next thing happens nothing has become due: a copy that is woken then has nothing to say and nothing to ask,
 * and does the same thing as before. */
static void check_patience(const node_t *n, uint64_t at_us)
{
    static cipmux_t  copy;
    cipmux_request_t request;
    copy = n->modem;
    const size_t         text = inside_text(&copy);
    const uint64_t       due_us = cipmux_deadline(&copy);
    const cipmux_phase_t phase = cipmux_phase(&copy);
    cipmux_tick(&copy, at_us);
    if (inside_text(&copy) != text)
        sim_fail(n, "time", "it has something to say before %llu us, its deadline was %llu us",
                 (unsigned long long)at_us, (unsigned long long)due_us);
    else if (cipmux_phase(&copy) != phase || (cipmux_deadline(&copy) != due_us && cipmux_deadline(&copy) < at_us))
        sim_fail(n, "time", "it changes before %llu us, its deadline was %llu us", (unsigned long long)at_us,
                 (unsigned long long)due_us);
    else if (cipmux_request(&copy, at_us, &request))
        sim_fail(n, "time", "it asks for something before %llu us, its deadline was %llu us", (unsigned long long)at_us,
                 (unsigned long long)due_us);
}

/* To the next thing that happens, at most to `limit_us`. */
static void advance(uint64_t limit_us)
{
    uint64_t to_us = limit_us;
    for (uint32_t i = 0; i < nodes; i++) {
        const uint64_t due_us = node_deadline(&node[i]);
        if (due_us < to_us) to_us = due_us;
    }
    for (uint32_t i = 0; i < nodes && to_us > now_us + 1; i++)
        if (node[i].heard_us == now_us || now_us >= node[i].deaf_until_us) check_patience(&node[i], to_us - 1);
    for (uint32_t i = 0; i < nodes; i++)
        if (node_deadline(&node[i]) <= to_us) node[i].dirty = true;
    now_us = to_us;
    sums.steps++;
}

static void run_until(uint64_t until_us)
{
    settle();
    while (now_us < until_us && !sim_failed()) {
        advance(until_us);
        settle();
    }
}

/* ---- The end --------------------------------------------------------------------------------------------------------- */

/* Every fault is over, and everyone listens. */
static void calm(node_t *n)
{
    n->deaf_until_us = 0;
    n->slow = 0;
    n->dirty = true;
    n->driven = false;
    if (n->radio_gone) say(n, "ap-back ssid=lab");
    n->radio_gone = false;
    say(n, "dns ok");
    for (size_t i = 0; i < PLACES; i++) /* passthrough with a full buffer hears its +++ when somebody has taken that */
        say(n, places[i]);
    for (size_t i = 0; i < NET_PEERS; i++) {
        net_peer_t *peer = &n->world.net.peer[i];
        if (peer->holding || peer->unacked) peer->unacked = peer->holding = peer->vanished;
        peer->stalled = peer->mute = peer->no_memory = false;
    }
}

static bool at_rest(const node_t *n)
{
    return n->intents == 0 && n->queued == 0 && n->dues == 0 && n->sends == 0 && n->restarts == 0 &&
           cipmux_phase(&n->modem) == CIPMUX_PHASE_COMMAND && n->host == HOST_IDLE;
}

/* Leaves whatever the modem is in. */
static void leave(node_t *n)
{
    static const char fill[64] = "................................................................";
    const size_t      left = cipmux_collecting(&n->modem);
    n->dirty = true;
    if (cipmux_phase(&n->modem) == CIPMUX_PHASE_PASSTHROUGH && n->intents == 0) host_intend(n, ACT_THROUGH, 0);
    if (cipmux_phase(&n->modem) == CIPMUX_PHASE_COLLECTING && n->queued == 0 && n->host != HOST_VERDICT)
        for (size_t i = 0; i < left; i += sizeof fill)
            host_type(n, fill, left - i < sizeof fill ? left - i : sizeof fill);
}

static void finish_line(node_t *n, const char *line)
{
    const uint64_t until_us = now_us + 2 * ANSWER_LIMIT;
    run_until(now_us + 5000);
    n->busy_may = n->busy_must = 0;
    host_line(n, "%s\r\n", line);
    settle();
    while (!at_rest(n) && now_us < until_us && !sim_failed())
        run_until(now_us + SECOND);
    if (!at_rest(n)) sim_fail(n, "rest", "no answer to %s", line);
}

static void check_rest(node_t *n)
{
    static const char *const last[] = { "AT", "AT+CIPMODE=0", "AT+CIPRECVMODE=0", "AT+CIPSERVER=0", NULL, "AT" };
    if (n->busy_must) sim_fail(n, "answers", "%u lines have no answer", n->busy_must);
    if (n->line_n) finish_line(n, ""); /* what was begun */
    for (size_t i = 0; i < sizeof last / sizeof *last; i++)
        finish_line(n, last[i] ? last[i] : inside_single(&n->modem) ? "AT+CIPCLOSE" : "AT+CIPCLOSE=5");
    run_until(now_us + 1000);
    if (strcmp(n->answered.text, "AT") != 0) sim_fail(n, "rest", "AT was answered as %s", n->answered.text);
    for (uint8_t id = 0; id < CIPMUX_LINKS && !sim_failed(); id++) {
        if (n->open[id]) sim_fail(n, "rest", "link %u was closed, and the host was not told", id);
        if (conn_now(n, id)) sim_fail(n, "rest", "link %u was closed, and the network has it", id);
    }
    for (size_t i = 0; i < n->conns; i++)
        if (!n->conn[i].told) sim_fail(n, "links", "link %u: no CONNECT", n->conn[i].link.id);
    for (size_t i = 0; i < NET_BLOCKS; i++)
        if (n->world.net.block[i].used)
            sim_fail(n, "memory", "the memory of link %u was not returned", n->world.net.block[i].link.id);
    check_canary(n);
}

/* The host and the network have the same links. */
static void check_links(node_t *n)
{
    for (uint8_t id = 0; id < CIPMUX_LINKS; id++)
        if ((n->open[id] != NULL) != (conn_now(n, id) != NULL))
            sim_fail(n, "links", "link %u is open for %s only", id, n->open[id] ? "the host" : "the network");
}

static void finish(void)
{
    for (uint32_t i = 0; i < nodes; i++)
        calm(&node[i]);
    const uint64_t until_us = now_us + 400 * SECOND;
    bool           rests = false;
    while (!rests && now_us < until_us && !sim_failed()) {
        run_until(now_us + 2 * SECOND);
        rests = true;
        for (uint32_t i = 0; i < nodes; i++) {
            if (!at_rest(&node[i])) {
                rests = false;
                leave(&node[i]);
            }
        }
    }
    for (uint32_t i = 0; i < nodes && !sim_failed(); i++) {
        const node_t *n = &node[i];
        if (!at_rest(n))
            sim_fail(n, "rest", "it does not come to rest: phase %d, %zu lines, %s, %u restarts, host %d",
                     cipmux_phase(&n->modem), n->dues, n->dues ? n->due[0].text : "", n->restarts, n->host);
    }
    for (uint32_t i = 0; i < nodes && !sim_failed(); i++)
        check_links(&node[i]);
    for (uint32_t i = 0; i < nodes && !sim_failed(); i++)
        check_rest(&node[i]);
}

bool sim_run(const plan_t *plan)
{
    failure[0] = '\0';
    now_us = 0;
    nodes = plan->nodes;
    log_clear();
    for (uint8_t i = 0; i < nodes; i++)
        start(plan, i);
    uint64_t at_us = 0;
    for (size_t i = 0; i < plan->actions && !sim_failed(); i++) {
        at_us += plan->action[i].gap_us;
        if (plan->action[i].dropped) continue;
        run_until(at_us);
        if (!sim_failed()) plan_act(&plan->action[i]);
    }
    if (!sim_failed()) finish();
    sums.virtual_us += now_us;
    sums.seeds++;
    return !sim_failed();
}
