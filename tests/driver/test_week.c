/* A week of random faults at a rate: week [--verbose] [--seed=N] DIALECT RATE DAYS, where RATE is as for cipmux --faults.
 *
 * A program on a microcontroller sends a message each SLOT to a server that echoes it, and dials again when the link has gone.
 * Each message comes back as it was, or its loss is reported by the driver (FAULT, CLOSED not by us, DOWN). A fault in its own
 * bytes can do what nothing on this line can see (judge.h has the list): it comes back changed, or is hidden: it does not come
 * back. Anything else is a loss that nobody reported: it fails. All in virtual time; the figures are printed. */
#include "desk.h"
#include "faults.h"
#include "rate.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MESSAGE = 64, KINDS_MAX = 32, WITHIN = 200 };
#define SLOT   (60 * DESK_SECOND) /* between messages */
#define ANSWER (60 * DESK_SECOND) /* later it is lost */
#define PAUSE  (1 * DESK_SECOND)  /* between dials */

static desk_t   desk;
static faults_t faults; /* its rules of time only: the bytes go over the desk's wires */
static words_t  words;
static uint8_t  message[MESSAGE], got[MESSAGE];
static size_t   got_n;
static uint8_t  own = CIPDRV_NO_LINK;
static bool     up, open, waits, reported, verbose;
static uint64_t begin_us, dialled_us, harms_before, most_us;
static uint64_t sent, echoed, lost, changed, hidden, unreported, injected[KINDS_MAX], told_of[KINDS_MAX];
static uint64_t events[16];

static uint64_t harms(void)
{
    uint64_t all = 0;
    for (size_t wire = 0; wire < DESK_WIRES; wire++)
        for (size_t harm = 0; harm < DESK_HARMS; harm++)
            all += desk.harms[wire][harm];
    return all;
}

static uint16_t program(desk_t *d, uint8_t event, uint8_t link, void *data, uint16_t n)
{
    (void)d;
    if (event < sizeof events / sizeof *events) events[event]++;
    reported |= event == CIPDRV_FAULT || event == CIPDRV_DOWN || (event == CIPDRV_CLOSED && n != CIPDRV_BY_US);
    if (event == CIPDRV_UP) up = true;
    if (event == CIPDRV_DOWN) up = false;
    if (link != own || own == CIPDRV_NO_LINK) return event == CIPDRV_RECEIVED || event == CIPDRV_ROOM ? n : 0;
    if (event == CIPDRV_OPENED) open = true;
    if (event == CIPDRV_CLOSED) own = CIPDRV_NO_LINK, open = false, dialled_us = desk.now_us;
    if (event != CIPDRV_RECEIVED) return event == CIPDRV_ROOM ? n : 0;
    for (uint16_t i = 0; i < n && got_n < MESSAGE; i++)
        got[got_n++] = ((const uint8_t *)data)[i];
    return n;
}

static bool echo(desk_t *d)
{
    bool moved = false;
    for (size_t i = 0; i < NET_PEERS; i++) {
        size_t         n = 0;
        net_peer_t    *peer = &d->world.net.peer[i];
        const uint8_t *bytes = peer->state == NET_CONNECTED ? net_received(&d->world.net, peer, &n) : NULL;
        if (n == 0) continue;
        net_send(&d->world.net, peer, bytes, n, 0);
        net_look(&d->world.net, peer);
        moved = true;
    }
    return moved;
}

/* ---- Faults ------------------------------------------------------------------------------------------------------ */

static void harm(desk_wire_t wire, desk_harm_t what, unsigned n)
{
    const uint64_t first = desk.line[wire].sent + desk_random(&desk) % WITHIN;
    for (unsigned i = 0; i < n; i++)
        desk_harm_at(&desk, wire, first + i, what);
}

/* The server's side of the link that is open. */
static void happens_to_link(const char *what)
{
    for (size_t i = 0; i < NET_PEERS; i++) {
        const net_peer_t *peer = &desk.world.net.peer[i];
        if (peer->state != NET_CONNECTED || !peer->linked || peer->ending != CIPMUX_CAUSE_NONE) continue;
        desk_say(&desk, "%s %s", peer->name, what);
        return;
    }
}

static void inject(const char *line)
{
    const char *kind_words = NULL;
    const bool  typed = strncmp(line, "typed", 5) == 0;
    const char *what = strchr(line, ' ');
    size_t      kind = 0;
    while (rate_kind(kind, &kind_words) && strcmp(kind_words, line) != 0)
        kind++;
    injected[kind]++;
    if (typed || strncmp(line, "printed", 7) == 0)
        harm(typed ? DESK_TO_MODEM : DESK_TO_DRIVER, strncmp(what, " flips", 6) == 0 ? DESK_FLIP : DESK_DROP,
             (unsigned)atoi(strpbrk(line, "0123456789")));
    else if (strncmp(line, "link any ", 9) == 0)
        happens_to_link(line + 9);
    else
        desk_say(&desk, "%s", line);
    if (verbose) printf("%12.3f s fault: %s\n", (double)desk.now_us / 1e6, line);
}

static void inject_what_is_due(void)
{
    const char *line;
    while ((line = faults_due(&faults, desk.now_us)) != NULL)
        inject(line);
    for (const char *text; (text = faults_told(&faults)) != NULL;)
        for (size_t kind = 0; rate_kind(kind, &line); kind++)
            told_of[kind] += strcmp(line, text) == 0;
}

static bool read_rate(const char *rate, uint64_t seed)
{
    char text[RATE_TEXT];
    faults_init(&faults, seed);
    if (!rate_words(rate, text, sizeof text)) {
        fprintf(stderr, "%s\n", text);
        return false;
    }
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        words.now_us = 0;
        if (!words_parse(&words, line) || !words_run(faults_verbs, FAULTS_VERBS, &faults, &words)) return false;
    }
    return true;
}

/* ---- Messages ---------------------------------------------------------------------------------------------------- */

static void send_message(void)
{
    for (size_t i = 0; i < MESSAGE; i++)
        message[i] = (uint8_t)(desk_random(&desk) >> 8);
    got_n = 0;
    if (!cipdrv_send(&desk.driver, own, message, MESSAGE, CIPDRV_FROM_RAM)) return;
    sent++;
    waits = true;
    reported = false;
    begin_us = desk.now_us;
    harms_before = harms();
}

static void end_message(void)
{
    const uint64_t us = desk.now_us - begin_us;
    const bool     whole = got_n == MESSAGE, same = whole && memcmp(got, message, MESSAGE) == 0;
    if (waits && !same && !reported && !whole && us < ANSWER) return;
    if (!waits) return;
    waits = false;
    if (us > most_us && same) most_us = us;
    if (same)
        echoed++;
    else if (reported)
        lost++;
    else if (harms() > harms_before)
        whole ? changed++ : hidden++;
    else if (++unreported)
        printf("%.3f s: a message of %.3f s is lost, nobody said so\n", (double)desk.now_us / 1e6,
               (double)begin_us / 1e6);
    if (!same && own != CIPDRV_NO_LINK) cipdrv_close(&desk.driver, own);
}

static void go_on(void)
{
    end_message();
    if (up && own == CIPDRV_NO_LINK && desk.now_us >= dialled_us + PAUSE) {
        own = cipdrv_dial(&desk.driver, CIPDRV_TYPE_TCP, "10.0.2.2", 7 IF_UDP(, 0));
        dialled_us = desk.now_us;
        open = false;
    }
    if (open && !waits && desk.now_us >= begin_us + SLOT) send_message();
}

/* ---- The week ---------------------------------------------------------------------------------------------------- */

static bool figures(double seconds)
{
    uint64_t    all = 0, told = 0;
    const char *unused;
    for (size_t kind = 0; rate_kind(kind, &unused); kind++)
        all += injected[kind], told += told_of[kind];
    printf("virtual time %.1f days in %.1f s; %llu faults, each logged:", (double)desk.now_us / 86400e6, seconds,
           (unsigned long long)all);
    for (size_t kind = 0; rate_kind(kind, &unused); kind++)
        if (injected[kind]) printf(" %s %llu", rate_kind(kind, &unused), (unsigned long long)injected[kind]);
    printf("\nmessages %llu: echoed %llu, reported lost %llu, changed by a fault %llu, hidden by one %llu, unreported "
           "%llu; "
           "the longest echo %.3f s\n",
           (unsigned long long)sent, (unsigned long long)echoed, (unsigned long long)lost, (unsigned long long)changed,
           (unsigned long long)hidden, (unsigned long long)unreported, (double)most_us / 1e6);
    printf("events: FAULT %llu, CLOSED %llu, DOWN %llu, UP %llu\n", (unsigned long long)events[CIPDRV_FAULT],
           (unsigned long long)events[CIPDRV_CLOSED], (unsigned long long)events[CIPDRV_DOWN],
           (unsigned long long)events[CIPDRV_UP]);
    return told == all && unreported == 0 && echoed > sent * 9 / 10 && desk.error[0] == '\0';
}

int main(int argc, char **argv)
{
    uint64_t seed = 1;
    int      at = 1;
    for (; at < argc && strncmp(argv[at], "--", 2) == 0; at++) {
        verbose |= strcmp(argv[at], "--verbose") == 0;
        if (strncmp(argv[at], "--seed=", 7) == 0) seed = strtoull(argv[at] + 7, NULL, 10);
    }
    if (argc - at != 3 || !read_rate(argv[at + 1], seed)) return 2;
    desk_options_t options = desk_options(argv[at]);
    const uint64_t end_us = (uint64_t)(atof(argv[at + 2]) * 86400e6);
    const clock_t  begin = clock();
    options.driver.ssid = "lab";
    options.driver.password = "password";
    options.program = program;
    options.network = echo;
    options.seed = seed;
    desk_start(&desk, &options);
    desk_say(&desk, "listen server 10.0.2.2:7");
    while (desk.now_us < end_us && desk.error[0] == '\0') {
        inject_what_is_due();
        go_on();
        uint64_t       until_us = desk.now_us + (waits || !up || !open ? DESK_SECOND / 10 : SLOT / 4);
        const uint64_t due_us = faults_deadline(&faults);
        if (due_us < until_us) until_us = due_us;
        desk_run(&desk, until_us > desk.now_us ? until_us - desk.now_us : 1);
    }
    const bool good = figures((double)(clock() - begin) / CLOCKS_PER_SEC);
    if (desk.error[0]) printf("%s\n", desk.error);
    puts(good ? "1 passed, 0 failed" : "0 passed, 1 failed");
    return !good;
}
