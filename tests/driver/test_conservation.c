/* Conservation: a program on a microcontroller and peers in the network exchange streams through driver, wires and
 * modem, with faults from a seed, and a judge who sees both wires watches each byte and each event.
 *
 *   test_conservation [--trace] [--seed=N] [--planted] [COUNT [FIRST]]
 *
 * A seed that fails is printed; `--seed=N --trace` replays it byte by byte. `--planted` wants one to fail: the driver
 * has a bug that was put into it on purpose.
 *
 * What is right and what is not, and what the protocol cannot show, stands in judge.h. Beyond it: without faults the driver
 * is UP within UP_LIMIT; and when all faults are over it is UP, whatever noise there was before, and a fresh link echoes,
 * within RECOVERY_LIMIT. */
#include "judge.h"

#include <stdlib.h>
#include <string.h>

enum {
    STREAM_MAX = 6000, /* bytes of one stream */
    DIALS = 40,
    FIRST_PORT = 7000, /* each dial has a port of its own */
    SLICE_US = 20000,  /* program and peers act so often */
};
#define RECOVERY_LIMIT (120 * DESK_SECOND)
#define UP_LIMIT       (120 * DESK_SECOND)
#define DIAL_PAUSE     (DESK_SECOND / 2) /* between attempts for the fresh echo */

static int      dials, clients;
static uint64_t rng;
static bool     working, stalling, gone;

static uint32_t roll(uint32_t sides)
{
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return (uint32_t)((rng * UINT64_C(0x2545f4914f6cdd1d) >> 33) % sides);
}

/* ---- The network ------------------------------------------------------------------------------------------------- */

static bool is_echo(const net_peer_t *peer)
{
    return strncmp(peer->name, "echo", 4) == 0;
}

static bool network(desk_t *d)
{
    bool moved = false;
    for (int16_t i = 0; i < NET_PEERS; i++) {
        net_peer_t *peer = &d->world.net.peer[i];
        size_t      n;
        if (peer->state != NET_CONNECTED) continue;
        conn_t        *c = conn_of(i);
        const uint8_t *bytes = net_received(&d->world.net, peer, &n);
        if (!n || !c) continue;
        judge_up(c, bytes, n);
        if (is_echo(peer) && c->life >= 0 && net_send(&d->world.net, peer, bytes, n, 0)) {
            c->key = life[c->life].key;
            c->sent += (uint32_t)n;
        }
        net_look(&d->world.net, peer);
        moved = true;
    }
    return moved;
}

/* A peer sends a piece of its stream, or does what peers do. */
static void act_as_peer(conn_t *c)
{
    net_peer_t *peer = &desk.world.net.peer[c->peer];
    uint8_t     bytes[1460];
    if (!c->plan) {
        c->plan = true;
        if (!is_echo(peer)) c->to_send = roll(4) ? roll(STREAM_MAX) : roll(200);
    }
    if (peer->age != c->age || peer->state != NET_CONNECTED || !peer->linked || peer->ending != CIPMUX_CAUSE_NONE)
        return;
    if (c->sent < c->to_send && peer->segments < 8 && roll(3) == 0) {
        uint32_t n = 1 + roll(roll(2) ? 1460 : 60);
        if (n > c->to_send - c->sent) n = c->to_send - c->sent;
        for (uint32_t i = 0; i < n; i++)
            bytes[i] = stream(c->key, c->sent + i);
        if (net_send(&desk.world.net, peer, bytes, n, 0)) c->sent += n;
    }
    if (!working || is_echo(peer)) return;
    if (c->sent == c->to_send && roll(60) == 0) net_end(peer, CIPMUX_CAUSE_FIN);
    if (stalling && roll(400) == 0) {
        c->clean = false;
        net_end(peer, CIPMUX_CAUSE_RESET);
    }
    if (stalling && roll(800) == 0) peer->stalled = !peer->stalled;
}

/* ---- The program ------------------------------------------------------------------------------------------------- */

static void send(life_t *l, uint32_t n)
{
    if (n > SEND_MAX) n = SEND_MAX;
    l->fills = CIPDRV_FILLS && roll(2);
    if (!l->fills)
        for (uint32_t i = 0; i < n; i++)
            l->bytes[i] = stream(l->key, l->made + i);
    if (!cipdrv_send(&desk.driver, l->link, l->fills ? NULL : l->bytes, (uint16_t)n, CIPDRV_FROM_RAM)) return;
    l->filled = l->made;
    l->made += n;
    l->sending = true;
    l->asked_us[1] = desk.now_us;
}

static void sent(life_t *l)
{
    judge_sent(l);
    if (roll(2) && l->made < l->to_make && !l->closing) send(l, 1 + roll(l->to_make - l->made));
}

static uint16_t received(life_t *l, const uint8_t *data, uint16_t n)
{
    uint16_t take = n;
#if CIPDRV_FLOW
    if (desk.options.driver.flow & 2 && roll(4) == 0) take = (uint16_t)roll(n + 1u);
#endif
    judge_received(l, data, take);
    return take;
}

static void opened(uint8_t link, bool client)
{
    judge_opened(link, client);
    life_t *l = life_now(link);
    if (l && !l->to_make) l->to_make = roll(3) ? roll(STREAM_MAX) : 0;
}

static uint16_t fill(life_t *l, uint8_t *to, uint16_t n)
{
    uint32_t at = l->filled;
    if (!l->sending || !l->fills) fail("link %u: FILL without a send", l->link);
    n = (uint16_t)(1 + roll(n));
    for (uint16_t i = 0; i < n; i++)
        to[i] = stream(l->key, at + i);
    l->filled += n;
    if (l->filled > l->made) fail("link %u: FILL for more than the send has", l->link);
    return n;
}

static uint16_t program(desk_t *d, uint8_t event, uint8_t link, void *data, uint16_t n)
{
    (void)d;
    sums.events++;
    switch (event) {
    case CIPDRV_UP:
        if (up) fail("UP twice");
        up = true;
        return 0;
    case CIPDRV_DOWN:
        if (n > CIPDRV_NO_SERVER) fail("DOWN, cause %u", n);
        up = false;
        unreachable = unreachable || n == CIPDRV_NO_MODEM;
        return 0;
    case CIPDRV_RATE: return 0;
    case CIPDRV_OPENED: opened(link, n); return 0;
    case CIPDRV_CLOSED: judge_closed(link, n); return 0;
    case CIPDRV_FAULT: judge_fault(link); return 0;
    default: break;
    }
    life_t *l = life_now(link);
    if (!l || !l->open) {
        fail("%s for link %u, which is not open", desk_event_name(event), link);
        return n;
    }
    if (event == CIPDRV_RECEIVED) return received(l, data, n);
    if (event == CIPDRV_ROOM) return (uint16_t)(roll(5) ? 1 + roll(n < 1460 ? n : 1460) : 0);
    if (event == CIPDRV_FILL) return fill(l, data, n);
    if (event == CIPDRV_SENT) sent(l);
    return 0;
}

static uint8_t dial(uint16_t port)
{
    static char host[] = "10.0.2.2";
    uint8_t     link = cipdrv_dial(&desk.driver, CIPDRV_TYPE_TCP, host, port IF_UDP(, 0));
    if (link == CIPDRV_NO_LINK) return link;
    if (life_of[link] >= 0) fail("the driver gives link %u away twice", link);
    life_t *l = new_life(link);
    l->dialled = true;
    l->asked_us[0] = desk.now_us;
    return link;
}

static void close_link(life_t *l)
{
    l->closing = true;
    l->asked_us[2] = desk.now_us;
    cipdrv_close(&desk.driver, l->link);
}

static void dial_somewhere(void)
{
    unsigned port = FIRST_PORT + (unsigned)dials;
    uint32_t what = roll(stalling ? 12 : 20);
    if (dials == DIALS || !up || dial((uint16_t)port) == CIPDRV_NO_LINK) return;
    dials++;
    if (what == 0) return; /* refused */
    if (what == 1)
        desk_say(&desk, "reset 10.0.2.2:%u", port);
    else
        desk_say(&desk, "listen d%u 10.0.2.2:%u", port, port);
}

static void act_as_program(void)
{
    for (uint8_t link = 0; link < CIPDRV_LINKS; link++) {
        life_t *l = life_now(link);
        if (!l || !l->open || l->closing) continue;
        if (!l->sending && l->made < l->to_make && roll(4) == 0) send(l, 1 + roll(l->to_make - l->made));
        if (working && !l->sending && l->made >= l->to_make && roll(100) == 0) close_link(l);
        if (stalling && roll(500) == 0 && !l->closing) close_link(l);
    }
    if (working && up && roll(8) == 0) dial_somewhere();
}

/* ---- A seed ------------------------------------------------------------------------------------------------------ */

static void act_as_fate(bool server, bool modem_faults)
{
    if (server && up && !gone && roll(10) == 0 && clients < 40) desk_say(&desk, "client c%d to 80", clients++);
    if (!modem_faults) return;
    if (roll(500) == 0) {
        sums.modem_faults++;
        cut_off = true;
        desk_say(&desk, "reset-pin");
    }
    if (roll(500) == 0) {
        sums.modem_faults++;
        gone = !gone;
        cut_off = true;
        desk_say(&desk, gone ? "ap-gone ssid=lab" : "ap-back ssid=lab");
    }
    if (roll(500) == 0) {
        cut_off = true;
        desk_say(&desk, "kick");
    }
}

/* The program has the modem's reset pin, for a modem that is at a rate that no driver can guess. */
static void slice(void)
{
    if (unreachable) {
        unreachable = false;
        sums.unreachable++;
        cut_off = true;
        desk_say(&desk, "reset-pin");
    }
    desk_run(&desk, SLICE_US);
    judge_now();
}

/* All faults are over: the links end, and a fresh one echoes. */
static void judge_recovery(void)
{
    uint64_t begin_us = desk.now_us, dialled_us = 0;
    life_t  *echo = NULL;
    bool     late = !up;
    memset(desk.options.every, 0, sizeof desk.options.every);
    desk_say(&desk, "ap-back ssid=lab");
    desk_say(&desk, "listen echo 10.0.2.2:7");
    for (int i = 0; i < NET_PEERS; i++)
        desk.world.net.peer[i].stalled = false;
    while (!failed && (!echo || echo->got < 2 * BLOCK)) {
        slice();
        if (late && up) longest(&sums.late_up_us, begin_us);
        late = late && !up;
        for (uint8_t link = 0; link < CIPDRV_LINKS; link++) {
            life_t *l = life_now(link);
            if (l && l->open && l != echo && !l->closing) close_link(l);
        }
        if (echo && life_of[echo->link] != (int)(echo - life)) echo = NULL;
        uint8_t link = !echo && up && desk.now_us > dialled_us + DIAL_PAUSE ? dial(7) : CIPDRV_NO_LINK;
        if (link != CIPDRV_NO_LINK) dialled_us = desk.now_us;
        if (link != CIPDRV_NO_LINK) echo = &life[life_of[link]];
        if (echo) echo->to_make = 2 * BLOCK;
        if (echo && echo->open && echo->made == 0) send(echo, 2 * BLOCK);
        if (desk.now_us - begin_us > RECOVERY_LIMIT) fail("no fresh echo since the faults are over");
    }
    longest(&sums.recovery_us, begin_us);
    judge_arrived();
}

static uint32_t pick(const uint32_t *from, size_t n)
{
    return from[roll((uint32_t)n)];
}
#define PICK(...) pick((const uint32_t[]){ __VA_ARGS__ }, sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))

/* Faults of the wires: some kinds, often or rarely. */
static void choose_faults(desk_options_t *options)
{
    uint32_t wires = PICK(0, 0, 1, 2, 2, 3, 3), often = PICK(300, 1500, 5000, 15000);
    for (uint32_t wire = 0; wire < DESK_WIRES; wire++)
        for (int harm = 0; harm < DESK_HARMS; harm++)
            if (wires >> wire & 1 && roll(2)) options->every[wire][harm] = often / 2 + roll(often);
}

static desk_options_t choose(uint64_t seed, bool *server, FILE *trace)
{
    uint32_t dialects = 1;
    while (cipmux_dialect_name(dialects))
        dialects++;
    desk_options_t options = desk_options(cipmux_dialect_name(roll(dialects)));
    options.seed = seed + 77;
    judge_options(&options);
    options.real = roll(4) == 0;
    options.period_us = PICK(200, 500, 1000, 1000, 2000);
    options.program = program;
    options.network = network;
    options.trace = trace;
    options.driver.ssid = "lab";
    options.driver.password = "password";
    options.driver.rate = (uint16_t)PICK(1152, 1152, 1152, 576, 2304, 1152);
    if (options.driver.rate > 1152) options.receive = 512;
#if CIPDRV_FLOW
    options.driver.flow = roll(3) == 0 ? 3 : 0;
#endif
#if CIPDRV_PASSIVE
    options.driver.passive = roll(2);
#endif
#if CIPDRV_SERVER
    *server = (CIPDRV_LINKS > 1 || strcmp(options.dialect, "classic") == 0) && roll(3);
    options.driver.server_port = *server ? 80 : 0;
    options.driver.server_idle = *server && roll(4) == 0 ? 3 : 0;
#else
    *server = false;
#endif
    return options;
}

static void start_seed(uint64_t number, bool *server, FILE *trace)
{
    rng = (number + 1) * UINT64_C(0x9e3779b97f4a7c15);
    roll(2);
    dials = clients = 0;
    working = gone = false;
    judge_start((uint32_t)number);
    desk_options_t options = choose(number, server, trace);
    desk_start(&desk, &options);
    stalling = roll(3) == 0;
}

static void run_seed(uint64_t number, FILE *trace)
{
    bool           server;
    desk_options_t faults = { 0 };
    start_seed(number, &server, trace);
    choose_faults(&faults);
    bool modem_faults = roll(3) == 0;
    if (roll(4) == 0) memcpy(desk.options.every, faults.every, sizeof faults.every); /* from the first byte on */
    uint64_t begin_us = desk.now_us;
    while (!failed && !up && desk.now_us - begin_us < UP_LIMIT)
        slice();
    longest(&sums.up_us, begin_us);
    sums.not_up += !up;
    if (!up && !desk.last_harm_us[0] && !desk.last_harm_us[1]) fail("it does not come up");
    memcpy(desk.options.every, faults.every, sizeof faults.every);
    working = true;
    uint64_t until_us = desk.now_us + DESK_SECOND * (3 + roll(6));
    while (!failed && desk.now_us < until_us) {
        slice();
        for (int i = 0; i < conns; i++)
            act_as_peer(&conn[i]);
        act_as_program();
        act_as_fate(server, modem_faults);
    }
    working = false;
    if (!failed) judge_recovery();
    for (int wire = 0; wire < DESK_WIRES; wire++) {
        sums.overruns += desk.overruns[wire];
        for (int harm = 0; harm < DESK_HARMS; harm++)
            sums.harms[wire][harm] += desk.harms[wire][harm];
    }
    sums.virtual_us += desk.now_us;
    sums.seeds++;
}

static double s(uint64_t us)
{
    return (double)us / 1e6;
}

static void report(void)
{
    static const char *const wires[] = { "to the modem ", "to the driver" };
    printf("%llu seeds, %.0f s of virtual time, %llu events, %llu links opened (%llu asked or accepted)\n",
           (unsigned long long)sums.seeds, s(sums.virtual_us), (unsigned long long)sums.events,
           (unsigned long long)sums.opened, (unsigned long long)sums.lives);
    printf("bytes right: %llu down, %llu up\n", (unsigned long long)sums.down, (unsigned long long)sums.up);
    for (int wire = 0; wire < DESK_WIRES; wire++)
        printf("faults %s: %llu flips, %llu drops, %llu inserts, %llu bursts lost, %llu bursts garbled\n", wires[wire],
               (unsigned long long)sums.harms[wire][0], (unsigned long long)sums.harms[wire][1],
               (unsigned long long)sums.harms[wire][2], (unsigned long long)sums.harms[wire][3],
               (unsigned long long)sums.harms[wire][4]);
    printf(
        "resets and lost networks: %llu; overruns: %llu; FAULT told: %llu; NO_MODEM, so the program resets it: %llu\n",
        (unsigned long long)sums.modem_faults, (unsigned long long)sums.overruns, (unsigned long long)sums.faults_told,
        (unsigned long long)sums.unreachable);
    printf("down, in %llu episodes: %llu bytes wrong, %llu strays, %llu lost and reported; without a report %llu lost "
           "in touched "
           "frames, %llu swallowed by them, %llu elsewhere, %llu vanished\n",
           (unsigned long long)sums.episodes, (unsigned long long)sums.flips, (unsigned long long)sums.strays,
           (unsigned long long)sums.reported, (unsigned long long)sums.silent, (unsigned long long)sums.swallowed,
           (unsigned long long)sums.elsewhere, (unsigned long long)sums.vanished);
    printf("up: %llu bytes wrong, %llu lost, %llu misled, %llu of commands, %llu made up; links mistaken for the next: "
           "%llu; ends that payload spelt: %llu\n",
           (unsigned long long)sums.up_wrong, (unsigned long long)sums.up_lost, (unsigned long long)sums.misled,
           (unsigned long long)sums.escapes, (unsigned long long)sums.made_up, (unsigned long long)sums.mistaken,
           (unsigned long long)sums.spelt);
    printf("CLOSED:");
    for (uint16_t cause = 0; cause < 10; cause++)
        if (sums.causes[cause]) printf(" %s %llu", desk_cause_name(cause), (unsigned long long)sums.causes[cause]);
    printf("\nnot UP within %.0f s of noise: %llu; UP behind the last fault within %.1f s", s(UP_LIMIT),
           (unsigned long long)sums.not_up, s(sums.late_up_us));
    printf("\nlongest: resync %.3f s (below 115200 baud %.3f s, where payload spelt headers %.3f s), report of a loss "
           "%.3f s, up %.1f s, dial %.1f s, send %.1f s, close %.1f s, fresh echo %.1f s\n",
           s(sums.resync_us[0]), s(sums.resync_us[1]), s(sums.spelt_resync_us), s(sums.report_us), s(sums.up_us),
           s(sums.operation_us[0]), s(sums.operation_us[1]), s(sums.operation_us[2]), s(sums.recovery_us));
}

int main(int argc, char **argv)
{
    uint64_t count = 100, first = 0, failures = 0;
    FILE    *trace = NULL;
    int      numbers = 0;
    bool     planted = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--trace") == 0)
            trace = stdout;
        else if (strcmp(argv[i], "--planted") == 0)
            planted = true;
        else if (strncmp(argv[i], "--seed=", 7) == 0)
            first = strtoull(argv[i] + 7, NULL, 10), count = 1;
        else if (numbers++ == 0)
            count = strtoull(argv[i], NULL, 10);
        else
            first = strtoull(argv[i], NULL, 10);
    }
    for (uint64_t i = first; i < first + count; i++) {
        run_seed(i, trace);
        if (!failed) continue;
        printf("seed %llu (%s): %s\n", (unsigned long long)i, desk.options.dialect, failure);
        if (++failures == 20 || planted) break;
    }
    report();
    printf("%llu seeds failed\n", (unsigned long long)failures);
    bool good = planted ? failures != 0 : failures == 0;
    printf("%d passed, %d failed\n", good, !good);
    return !good;
}
