/* What goes wrong with ESP8266 modems in the field: fifteen pains in named tests, played against driver and modem in
 * one process, in each dialect, with fast and with real times. Where the modem cannot produce a pain by itself the test
 * stands on the wire and takes bytes away or puts them in. After each: the program was told what happened on which
 * link, nothing was delivered twice or to another link, and a fresh echo works, without a power cycle.
 *
 * `test_pains --trace NAME DIALECT [real]` shows one. */
#include "desk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#if CIPDRV_SSL
#define IF_SSL(...) __VA_ARGS__
#else
#define IF_SSL(...)
#endif

static desk_t      desk;
static const char *dialect;
static bool        real, esp, old; /* without AT+CIPRECVMODE and AT+SYSMSG */
static FILE       *trace;

/* ---- The program ------------------------------------------------------------------------------------------------- */

/* One link of it, since it was opened. */
typedef struct {
    bool     dialled, open;
    char     got[8192];
    size_t   n;
    unsigned sends, sent;
} program_link_t;

static program_link_t links[CIPDRV_LINKS];
static char           told[8192]; /* ", OPENED 4, SENT 4", since it was last cleared */
static uint16_t       room;       /* for ROOM */

static void check(bool is, const char *what)
{
    if (!is)
        fail_msg("%s, %s times: %s. Told%s; at %.3f s; %s", dialect, real ? "real" : "fast", what, told,
                 (double)desk.now_us / 1e6, desk.error);
}

static void note(const char *format, ...)
{
    size_t  n = strlen(told);
    va_list list;
    va_start(list, format);
    vsnprintf(told + n, sizeof told - n, format, list); /* NOLINT(clang-analyzer-valist.Uninitialized) */
    va_end(list);
}

/* Checks what holds in every pain, whatever happens: events only where they can be. */
static uint16_t program(desk_t *d, uint8_t event, uint8_t id, void *data, uint16_t n)
{
    program_link_t *link = &links[id < CIPDRV_LINKS ? id : 0];
    (void)d;
    check(id < CIPDRV_LINKS || (event != CIPDRV_OPENED && event != CIPDRV_RECEIVED && event != CIPDRV_ROOM &&
                                event != CIPDRV_SENT && event != CIPDRV_CLOSED),
          "it names the link");
    if (event != CIPDRV_RECEIVED && event != CIPDRV_ROOM && event != CIPDRV_FILL && event != CIPDRV_RATE) {
        note(", %s", desk_event_name(event));
        if (id < CIPDRV_LINKS) note(" %u", id);
        if (event == CIPDRV_CLOSED || event == CIPDRV_DOWN) note(" %s", desk_cause_name(n));
    }
    switch (event) {
    case CIPDRV_OPENED:
        check(!link->open, "OPENED of an open link");
        check((n != 0) != link->dialled, "OPENED, but whose?");
        memset(link, 0, sizeof *link);
        link->open = true;
        return 0;
    case CIPDRV_RECEIVED:
        check(link->open, "RECEIVED on a link that is not open");
        check(link->n + n < sizeof link->got, "more than was sent");
        memcpy(link->got + link->n, data, n);
        link->n += n;
        return n;
    case CIPDRV_ROOM: check(link->open, "ROOM on a link that is not open"); return room;
    case CIPDRV_SENT:
        check(link->open && link->sent < link->sends, "SENT without a send");
        link->sent++;
        return 0;
    case CIPDRV_CLOSED:
        check(link->open || link->dialled, "CLOSED of a link that was not open");
        link->open = link->dialled = false;
        return 0;
    default: return 0;
    }
}

/* How often an event was told that begins like this. */
static unsigned count(const char *event)
{
    char     text[80];
    unsigned n = 0;
    snprintf(text, sizeof text, ", %s", event);
    for (const char *at = told; (at = strstr(at, text)) != NULL; at++)
        n++;
    return n;
}

static bool was_told(const char *format, unsigned id)
{
    char event[64];
    snprintf(event, sizeof event, format, id); /* NOLINT(clang-diagnostic-format-nonliteral) */
    return count(event) > 0;
}

/* ---- The network ------------------------------------------------------------------------------------------------- */

/* Something that is said, typed or done as soon as the driver is at this point. */
typedef struct {
    bool    armed;
    uint8_t command, stage;
    char    words[4][100];
} trigger_t;

static trigger_t trigger;
static char      server_got[65536]; /* all that peers called "server" ever received */
static size_t    server_n;

static bool is_called(const net_peer_t *peer, const char *name)
{
    return strncmp(peer->name, name, strlen(name)) == 0;
}

/* Peers called "echo" send back what they get; what those called "server" get is kept. */
static bool network(desk_t *d)
{
    bool moved = false;
    if (trigger.armed && d->driver.command == trigger.command && d->driver.stage == trigger.stage) {
        trigger.armed = false;
        for (size_t i = 0; i < sizeof trigger.words / sizeof *trigger.words; i++)
            if (trigger.words[i][0]) desk_say(d, "%s", trigger.words[i]);
        moved = true;
    }
    for (int i = 0; i < NET_PEERS; i++) {
        net_peer_t    *peer = &d->world.net.peer[i];
        size_t         n = 0;
        const uint8_t *bytes = peer->state == NET_CONNECTED ? net_received(&d->world.net, peer, &n) : NULL;
        if (!bytes || n == 0 || n == SIZE_MAX) continue;
        if (is_called(peer, "echo"))
            net_send(&d->world.net, peer, bytes, n, 0);
        else if (is_called(peer, "server")) {
            check(server_n + n < sizeof server_got, "the server got too much");
            memcpy(server_got + server_n, bytes, n);
            server_n += n;
        } else
            continue;
        net_look(&d->world.net, peer);
        moved = true;
    }
    return moved;
}

static void say(const char *format, ...)
{
    char    words[400];
    va_list list;
    va_start(list, format);
    vsnprintf(words, sizeof words, format, list); /* NOLINT(clang-analyzer-valist.Uninitialized) */
    va_end(list);
    check(desk_say(&desk, "%s", words), words);
}

/* When the driver's slot is at this point, up to two things are said. */
static void when(uint8_t command, uint8_t stage, const char *words, const char *more)
{
    trigger = (trigger_t){ .armed = true, .command = command, .stage = stage };
    snprintf(trigger.words[0], sizeof trigger.words[0], "%s", words);
    if (more) snprintf(trigger.words[1], sizeof trigger.words[1], "%s", more);
}

/* ---- Passages ---------------------------------------------------------------------------------------------------- */

static desk_options_t options;

static void plug(void)
{
    desk_start(&desk, &options);
    memset(links, 0, sizeof links);
    told[0] = '\0';
    trigger.armed = false;
    server_n = 0;
    room = 1000;
    say("listen server 10.0.2.2:7");
    say("listen echo 10.0.2.2:9");
}

static void run(double seconds)
{
    desk_run(&desk, (uint64_t)(seconds * 1e6));
    check(!desk.error[0], "the desk works");
}

static void awaits(uint8_t event, uint8_t link, double seconds)
{
    char what[64];
    snprintf(what, sizeof what, "%s of link %u is told", desk_event_name(event), link);
    check(desk_await(&desk, event, link, (uint64_t)(seconds * 1e6)) != NULL, what);
}

static uint8_t dials(uint16_t port)
{
    uint8_t id = cipdrv_dial(&desk.driver, CIPDRV_TYPE_TCP, "10.0.2.2", port IF_UDP(, 0));
    if (id >= CIPDRV_LINKS) fail_msg("%s: it cannot dial. Told%s", dialect, told);
    links[id].dialled = true;
    return id;
}

static uint8_t opens(uint16_t port)
{
    desk_forget(&desk);
    uint8_t id = dials(port);
    awaits(CIPDRV_OPENED, id, 60);
    return id;
}

static void sends(uint8_t id, const char *text)
{
    check(cipdrv_send(&desk.driver, id, text, (uint16_t)strlen(text), CIPDRV_FROM_RAM), "it can send");
    links[id].sends++;
}

static void starts(void)
{
    plug();
    awaits(CIPDRV_UP, CIPDRV_NO_LINK, 60);
    run(0.5);
}

/* Up, with a link to the server: its id. */
static uint8_t ready(void)
{
    starts();
    uint8_t id = opens(7);
    run(0.5);
    told[0] = '\0';
    return id;
}

static bool got(uint8_t id, const char *text)
{
    return links[id].n == strlen(text) && memcmp(links[id].got, text, links[id].n) == 0;
}

/* The driver is up, all links can be closed, and a new one carries an echo. */
static void works(void)
{
    static const char text[] = "a fresh echo: OK\r\n+IPD,0,5:hello\r\n";
    trigger.armed = false;
    room = 1000;
    for (int i = 0; i < 600 && !desk.driver.up; i++)
        run(0.1);
    check(desk.driver.up, "it is up again");
    run(1);
    for (uint8_t id = 0; id < CIPDRV_LINKS; id++) {
        if (!links[id].open) continue;
        desk_forget(&desk);
        cipdrv_close(&desk.driver, id);
        awaits(CIPDRV_CLOSED, id, 45);
    }
    uint8_t id = opens(9);
    sends(id, text);
    awaits(CIPDRV_SENT, id, 5);
    run(1);
    check(got(id, text), "a fresh echo");
    cipdrv_close(&desk.driver, id);
    awaits(CIPDRV_CLOSED, id, 5);
    check(!desk.error[0], "the desk works");
}

/* Of the next `text` that the modem prints nothing arrives. */
static void loses(const char *text)
{
    for (size_t i = 0; i < strlen(text); i++)
        desk_harm_next(&desk, DESK_TO_DRIVER, text, i, DESK_DROP);
}

/* ---- The pains --------------------------------------------------------------------------------------------------- */

/* 1. "busy p..." for seconds: a command is under way that the driver has given up. */
static void busy_while_dialling(void)
{
    starts();
    told[0] = '\0';
    say("silent 10.0.2.2:5");
    uint8_t id = dials(5);
    run(0.5);
    cipdrv_fault(&desk.driver); /* after which it does not wait for long */
    run(45);
    check(count("CLOSED") == 1 && was_told("CLOSED %u REFUSED", id), "the dial failed once");
    check(count("DOWN") == 0, "the modem was not lost");
    works();
}

static void busy_while_joining(void)
{
    plug();
    say("no-aps");
    say("ap ssid=\"lab\" password=\"password\" after=8s");
    for (int i = 0; i < 1000 && desk.driver.command != COMMAND_JOIN; i++)
        run(0.01);
    check(desk.driver.command == COMMAND_JOIN, "it joins");
    run(1);
    cipdrv_fault(&desk.driver);
    works();
    check(count("OPENED") == 1, "one link was opened");
}

/* "busy" when nothing is under way, also behind an OK [esp-at issue 731]. */
static void busy_out_of_nowhere(void)
{
    uint8_t id = ready();
    for (int i = 0; i < 5; i++) {
        desk_print(&desk, "\r\nbusy p...\r\n", 13);
        desk_print(&desk, "\r\nbusy s...\r\n", 13);
        run(0.05);
        sends(id, "hello");
        awaits(CIPDRV_SENT, id, 5);
    }
    run(1);
    check(server_n == 25, "each send arrived once");
    check(count("CLOSED") == 0, "the link stays");
    works();
}

/* More bytes than one turn of the loop puts into the ring behind the UART. */
static const char longer[] =
    "a send of a few more bytes than one turn of the loop puts into the ring behind the UART ...";

/* 2. +IPD or CONNECT inside a command: at each stage of a send a frame comes, and a client with its own. */
static void frame_inside_a_command(void)
{
    for (uint8_t stage = STAGE_WRITE; stage <= STAGE_TAKEN; stage++) {
        uint8_t id = ready();
        if (CIPDRV_SERVER && CIPDRV_LINKS > 1)
            when(COMMAND_SEND, stage, "server sends \"from the server\"", "client guest to 80");
        else
            when(COMMAND_SEND, stage, "server sends \"from the server\"", NULL);
        sends(id, longer);
        awaits(CIPDRV_SENT, id, 5);
        run(0.5);
        check(!trigger.armed, "the driver was there");
        check(got(id, "from the server"), "the frame was received, once");
        check(server_n == strlen(longer), "the server got it all, once");
        check(count("SENT") == 1 && count("CLOSED") == 0 && count("FAULT") == 0, "and nothing else was told");
        if (CIPDRV_SERVER && CIPDRV_LINKS > 1) check(was_told("OPENED %u", 0), "the client is told");
        works();
    }
}

#if CIPDRV_LINKS > 1
static void frame_inside_a_dial(void)
{
    for (uint8_t stage = STAGE_WRITE; stage <= STAGE_AWAIT; stage++) {
        uint8_t first = ready();
        when(COMMAND_DIAL, stage, "server sends \"from the server\"", NULL);
        uint8_t id = opens(7);
        run(0.5);
        check(got(first, "from the server"), "the frame was received, once");
        check(links[id].n == 0, "and on its own link only");
        works();
    }
}
#endif

/* 3. CLOSED during AT+CIPSEND, at each of its stages. The payload is not taken for commands. */
static void closed_during_a_send(void)
{
    static const char *const ways[] = { "server closes", "server resets" };
    for (size_t way = 0; way < 2; way++)
        for (uint8_t stage = STAGE_WRITE; stage <= STAGE_TAKEN; stage++) {
            uint8_t id = ready();
            when(COMMAND_SEND, stage, ways[way], NULL);
            sends(id, "\r\nAT+RST\r\nAT+UART_CUR=9600,8,1,0,0\r\nAT+RST\r\nAT+CWQAP\r\nAT+RST\r\nAT+CIPMUX=0\r\nAT+"
                      "CIPMUX=1\r\n");
            awaits(CIPDRV_CLOSED, id, 40);
            run(1);
            check(count("CLOSED") == 1, "it was closed once");
            check(count("SENT") <= 1 && count("DOWN") == 0, "the payload did nothing");
            check(!cipdrv_send(&desk.driver, id, "x", 1, CIPDRV_FROM_RAM), "nothing more can be sent");
            works();
        }
}

/* 4. CLOSED glued to other text: to a payload, to SEND OK. */
static void closed_glued(void)
{
    uint8_t id = ready();
    say("server sends \"{\\\"cur\\\":70}}\"");
    say("server closes");
    awaits(CIPDRV_CLOSED, id, 5);
    check(got(id, "{\"cur\":70}}"), "all of it was received");
    check(was_told("CLOSED %u BY_PEER", id) && count("FAULT") == 0, "and the end was told");
    works();
    id = ready();
    when(COMMAND_SEND, STAGE_RESULT, "server sends \"bye\"", "server closes");
    sends(id, "hello");
    awaits(CIPDRV_CLOSED, id, 40);
    check(got(id, "bye"), "all of it was received");
    check(count("CLOSED") == 1 && count("FAULT") == 0, "and the end was told");
    works();
}

/* 5. Bytes lost on the microcontroller's side. Each byte of a frame's header once; the payload spells the modem's
 * words. Of a lost digit of the length the protocol shows nothing until the frame's end: then anything may be told, but
 * it works on. */
static void header_byte_lost(void)
{
    static const char words[] = "\r\n4,CLOSED\r\n\r\nready\r\n\r\n+IPD,0,3:OK\n\r\nCLOSED\r\n";
    char              header[24];
    size_t n = (size_t)snprintf(header, sizeof header, CIPDRV_LINKS > 1 ? "+IPD,4,%zu:" : "+IPD,%zu:", strlen(words));
    for (size_t at = 0; at < n; at++) {
        uint8_t id = ready();
        desk_harm_next(&desk, DESK_TO_DRIVER, header, at, DESK_DROP);
        net_send(&desk.world.net, net_peer(&desk.world.net, "server"), words, strlen(words), 0);
        run(30);
        check(desk.harms[DESK_TO_DRIVER][DESK_DROP] == 1, "a byte was lost");
        if (at != n - 2 && at != n - 3) {
            check(count("DOWN") == 0, "the payload did not reset it");
            check(!was_told("CLOSED %u BY_PEER", id) && !was_told("CLOSED %u LOST", id), "nor close it");
        }
        check(count("FAULT") > 0 || count("CLOSED") > 0, "the loss was told");
        works();
    }
}

static void payload_bytes_lost(void)
{
    char words[64];
    for (size_t at = 0; at < 200; at += 23) {
        uint8_t id = ready();
        desk_harm_at(&desk, DESK_TO_DRIVER, desk.line[DESK_TO_DRIVER].sent + 20 + at, DESK_DROP);
        snprintf(words, sizeof words, "server sends 1000");
        say("%s", words);
        run(3);
        /* ESP-AT: the line end behind the payload can stand for the last byte, which the protocol cannot show */
        check(was_told("CLOSED %u DAMAGED", id) || (esp && links[id].n == 1000), "the damage was told");
        check(links[id].n <= 1000, "and nothing was made up");
        works();
    }
}

/* The ring overflows because the program stops for a while. */
static void ring_overruns(void)
{
    uint8_t id = ready();
    say("server sends 3000");
    run(0.05);
    desk.program_stopped = true;
    run(0.1);
    desk.program_stopped = false;
    run(5);
    check(desk.overruns[DESK_TO_DRIVER] > 0, "bytes were lost");
    check(count("FAULT") > 0 && was_told("CLOSED %u DAMAGED", id), "and that was told");
    works();
}

/* Each answer of the modem, lost as a whole. */
static void answer_lost(void)
{
    static const char *const answers[] = { "OK", "CONNECT", "> ", ">", "Recv ", "SEND OK", "STATUS:", "bytes" };
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        starts();
        loses(answers[i]);
        uint8_t id = dials(7);
        run(60);
        check(links[id].open || was_told("CLOSED %u REFUSED", id), "the dial has an outcome");
        if (links[id].open) {
            told[0] = '\0';
            server_n = 0;
            loses(answers[i]);
            sends(id, "hello");
            run(60);
            check(links[id].sent == 1 || was_told("CLOSED %u NOT_SENT", id), "the send has an outcome");
            check(server_n <= 5, "it was sent once at most");
            check(links[id].sent == 0 || server_n == 5, "what was SENT was sent");
        }
        desk.chosen_n = 0;
        works();
    }
}

/* 6. Bytes lost on the modem's side: of a payload, of a command. */
static bool is_paying(desk_t *d)
{
    return d->driver.stage == STAGE_PAYLOAD;
}

static void sent_bytes_lost(void)
{
    for (unsigned lost = 1; lost <= 3; lost++) {
        uint8_t id = ready();
        sends(id, longer);
        check(desk_until(&desk, is_paying, DESK_SECOND), "the modem wants the payload");
        for (unsigned i = 0; i < lost; i++)
            desk_harm_at(&desk, DESK_TO_MODEM, desk.line[DESK_TO_MODEM].sent + 10 + 3 * (uint64_t)i, DESK_DROP);
        awaits(CIPDRV_CLOSED, id, 10);
        check(was_told("CLOSED %u NOT_SENT", id), "it was told");
        check(count("SENT") == 0, "and not the opposite");
        check(server_n == 0 || server_n == strlen(longer), "nothing was sent, or the \"+++\" filled it up");
        works();
    }
}

/* Each third byte of what the driver writes for a dial, a send and a close. */
static void command_bytes_lost(void)
{
    for (unsigned at = 0; at < 60; at += 3) {
        starts();
        told[0] = '\0';
        desk_harm_at(&desk, DESK_TO_MODEM, desk.line[DESK_TO_MODEM].sent + at, DESK_DROP);
        uint8_t id = dials(7);
        run(50);
        if (links[id].open) {
            sends(id, "hello");
            run(5);
            check(links[id].sent == 1 || was_told("CLOSED %u NOT_SENT", id), "the send has an outcome");
            check(server_n == (size_t)5 * links[id].sent, "it is sent once");
        } else
            check(was_told("CLOSED %u REFUSED", id), "the dial has an outcome");
        works();
    }
}

/* 7. SEND OK late, twice, never, and SEND FAIL before it. */
static void send_ok_late(void)
{
    uint8_t id = ready();
    if (!esp) {
        say("server holds-acks");
        sends(id, "hello");
        run(15);
        check(count("SENT") == 0 && count("CLOSED") == 0, "it waits");
        say("server acks");
    } else {
        loses("SEND OK");
        sends(id, "hello");
        run(15);
        check(count("SENT") == 0 && count("CLOSED") == 0, "it waits");
        desk_print(&desk, "\r\nSEND OK\r\n", 11);
    }
    awaits(CIPDRV_SENT, id, 1);
    check(server_n == 5, "it was sent once");
    works();
}

static void send_ok_twice(void)
{
    uint8_t id = ready();
    for (int i = 0; i < 5; i++) {
        sends(id, "hello");
        awaits(CIPDRV_SENT, id, 1);
        desk_print(&desk, "\r\nSEND OK\r\n", 11);
    }
    run(1);
    check(count("SENT") == 5 && server_n == 25, "five sends, told once each");
    check(count("CLOSED") == 0, "the link stays");
    works();
}

static void send_ok_never(void)
{
    uint8_t id = ready();
    loses("SEND OK");
    sends(id, "hello");
    awaits(CIPDRV_CLOSED, id, 45);
    check(was_told("CLOSED %u NOT_SENT", id) && count("SENT") == 0, "it was told");
    check(server_n == 5, "it was sent once");
    works();
}

/* The peer's window is closed: NonOS gives up after its time, ESP-AT says OK all the same. */
static void send_fail_then_ok(void)
{
    uint8_t id = ready();
    loses("SEND OK");
    sends(id, "hello");
    run(0.5);
    desk_print(&desk, "\r\nSEND FAIL\r\n", 13);
    run(0.02);
    desk_print(&desk, "\r\nSEND OK\r\n", 11);
    awaits(CIPDRV_CLOSED, id, 5);
    check(was_told("CLOSED %u NOT_SENT", id) && count("SENT") == 0, "the first word counts");
    works();
}

/* 8. Link ids: a client comes while the driver dials, and ids are used again at once. */
#if CIPDRV_SERVER && CIPDRV_LINKS > 1
static void ids_collide(void)
{
    starts();
    for (int i = 0; i < 4; i++)
        say("client guest%d to 80", i);
    run(0.5);
    check(count("OPENED") == 4, "four clients");
    when(COMMAND_DIAL, STAGE_WRITE, "client guest5 to 80", NULL);
    uint8_t id = dials(7);
    check(id == 4, "the last free id");
    run(60);
    check(count("OPENED 4") + count("CLOSED 4 REFUSED") >= 1, "the dial has an outcome");
    for (int i = 0; i < 4; i++)
        check(links[i].open && links[i].n == 0, "the others are as they were");
    works();
}
#endif

#if CIPDRV_SERVER && CIPDRV_LINKS > 1
static void ids_used_again(void)
{
    starts();
    for (int i = 0; i < 20; i++) {
        char text[32];
        told[0] = '\0';
        desk_forget(&desk);
        say("client guest%d to 80", i);
        awaits(CIPDRV_OPENED, 0, 5);
        snprintf(text, sizeof text, "from guest %d", i);
        say("guest%d sends \"%s\"", i, text);
        run(0.3);
        check(got(0, text), "each its own");
        if (i % 3 == 0) loses("0,CLOSED");
        sends(0, "an answer");
        when(COMMAND_SEND, STAGE_PAYLOAD, "guest0 connected", NULL);
        awaits(CIPDRV_SENT, 0, 5);
        say("guest%d got \"an answer\"", i);
        say("guest%d closes", i);
        if (i % 2) run(0.5);
    }
    run(1);
    desk.chosen_n = 0;
    works();
}
#endif

/* 9. Data behind CLOSED, data lost at CLOSED: received passively, the peer closes while bytes wait. */
#if CIPDRV_PASSIVE
static void closed_with_unread(void)
{
    if (old) return;
    options.driver.passive = true;
    uint8_t id = ready();
    room = 0;
    say("server sends 1000");
    say("server closes");
    run(2);
    check(count("CLOSED") == 0, "there are bytes to read");
    room = 64;
    awaits(CIPDRV_CLOSED, id, 5);
    check(links[id].n == 1000, "all of them were read");
    for (size_t i = 0; i < 1000; i++)
        check((uint8_t)links[id].got[i] == i % NET_PATTERN, "in order");
    check(was_told("CLOSED %u BY_PEER", id), "then the end");
    works();
    id = ready(); /* the program does not want them */
    room = 0;
    say("server sends 1000");
    say("server closes");
    run(2);
    cipdrv_close(&desk.driver, id);
    awaits(CIPDRV_CLOSED, id, 5);
    works();
}
#endif

static void closed_behind_data(void)
{
    uint8_t id = ready();
    say("server sends 4000");
    say("server closes");
    awaits(CIPDRV_CLOSED, id, 5);
    check(links[id].n == 4000, "all of it came before");
    check(count("CLOSED") == 1, "the end was told once");
    works();
}

/* A UDP link gets no CLOSED when Wi-Fi goes (NonOS keeps it, ESP-AT says so). */
#if CIPDRV_UDP
static void udp_when_wifi_goes(void)
{
    starts();
    say("udp clock 10.0.2.2:123");
    uint8_t id = cipdrv_dial(&desk.driver, CIPDRV_TYPE_UDP, "10.0.2.2", 123, 0);
    links[id].dialled = true;
    awaits(CIPDRV_OPENED, id, 5);
    told[0] = '\0';
    say("kick");
    run(30);
    check(count("DOWN NO_NETWORK") <= 1, "told once at most");
    if (!links[id].open) {
        check(was_told("CLOSED %u BY_PEER", id), "its end was told");
        id = cipdrv_dial(&desk.driver, CIPDRV_TYPE_UDP, "10.0.2.2", 123, 0);
        links[id].dialled = true;
        desk_forget(&desk);
        awaits(CIPDRV_OPENED, id, 5);
    }
    sends(id, "tick");
    awaits(CIPDRV_SENT, id, 5);
    say("clock got \"tick\"");
    works();
}
#endif

/* 10. A reset that nobody asked for, at each stage of everything, with the boot's noise. */
static void reset_unasked(void)
{
    for (uint8_t stage = STAGE_WRITE; stage <= STAGE_TAKEN; stage++) {
        uint8_t id = ready();
        when(COMMAND_SEND, stage, "reset-pin", NULL);
        sends(id, longer);
        run(20);
        check(was_told("CLOSED %u", id) && count("CLOSED") == 1, "the link is gone");
        check(count("DOWN RESET") == 1 && count("UP") == 1, "down and up again");
        works();
    }
}

static void reset_in_a_frame(void)
{
    uint8_t id = ready();
    say("server sends 3000");
    run(0.1);
    say("reset-pin");
    run(20);
    check(was_told("CLOSED %u", id) && count("CLOSED") == 1, "the link is gone");
    check(count("DOWN") == 1 && count("UP") == 1, "down and up again");
    check(links[id].n < 3000, "not all of it came");
    works();
}

static void reset_in_silence(void)
{
    static const char noise[] = "\x00\xfe\x8c\r\n ets Jan  8 2013,rst cause:4, boot mode:(3,6)\r\n\xff~?r\n$\x00l\r\n";
    for (int heard = 0; heard < 2; heard++) {
        uint8_t id = ready();
        if (!heard) loses("ready");
        say("reset-pin");
        desk_print(&desk, noise, sizeof noise - 1);
        run(30);
        check(was_told("CLOSED %u", id) && count("CLOSED") == 1, "the link is gone");
        check(count("DOWN RESET") == 1 && count("UP") == 1, "down and up again");
        works();
    }
}

/* 11. The wrong rate: found at another, and one that changes with a reset. */
static void wrong_rate(void)
{
    static const unsigned bauds[] = { 9600, 19200, 38400, 57600, 230400 };
    for (size_t i = 0; i < sizeof bauds / sizeof *bauds; i++) {
        char command[64];
        plug();
        snprintf(command, sizeof command, "AT+UART_DEF=%u,8,1,0,0\r\n", bauds[i]);
        check(desk_type(&desk, "", "ready") && desk_type(&desk, command, "OK"), "it is set");
        works();
        told[0] = '\0';
        say("reset-pin"); /* and it has its old rate again */
        run(60);
        check(count("DOWN") >= 1, "that it was lost was told");
        works();
    }
}

/* Garbage from nowhere, as SoftwareSerial makes it. */
static void garbage(void)
{
    static const char line[] = "A%AMEO\x89"
                               "5\x95"
                               "bj\r\nno ip\r\n\xff\xff\x00\r\n";
    uint8_t           id = ready();
    for (int i = 0; i < 5; i++) {
        desk_print(&desk, line, sizeof line - 1);
        run(2);
        check(count("DOWN") == 0 && links[id].open, "nothing was believed");
        check(count("FAULT") > 0, "it was told");
        told[0] = '\0';
        sends(id, "hello");
        awaits(CIPDRV_SENT, id, 5);
    }
    check(server_n == 25, "and the link works");
    works();
}

/* 12. Found in the mode of another program: multiple and single mode, with a server, with links. */
static void found_in_the_other_mode(void)
{
    static const char *const lives[][4] = {
        { "AT+CIPMUX=1\r\n", "AT+CIPSERVER=1,80\r\n", "AT+CIPSTO=5\r\n", NULL },
        { "AT+CIPMUX=1\r\n", "AT+CIPSTART=3,\"TCP\",\"10.0.2.2\",7\r\n", "AT+CIPSTART=0,\"TCP\",\"10.0.2.2\",7\r\n",
          NULL },
        { "AT+CIPSTART=\"TCP\",\"10.0.2.2\",7\r\n", "AT+CIPDINFO=1\r\n", "AT+CIPRECVMODE=1\r\n", NULL },
#if CIPDRV_CUR
        { "AT+SYSMSG=7\r\n", "AT+CIPMUX=1\r\n", NULL, NULL },
#endif
        { "AT+CWMODE=2\r\n", "AT+CIPMUX=1\r\n", "AT+CIPSERVER=1,80\r\n", NULL },
        { "AT+CIPDINFO=1\r\n", "ATE0\r\n", "AT+CIPMUX=1\r\n", NULL },
    };
    for (size_t i = 0; i < sizeof lives / sizeof *lives; i++) {
        plug();
        check(desk_type(&desk, "", "ready"), "it starts");
        check(desk_type(&desk, esp ? "AT+CWMODE=1\r\n" : "AT+CWMODE_CUR=1\r\n", "OK"), "it is a station");
        if (strstr(lives[i][0], "CWMODE") == NULL)
            check(desk_type(&desk, "AT+CWJAP=\"lab\",\"password\"\r\n", "OK"), "it joins");
        for (size_t k = 0; lives[i][k]; k++)
            if (!old || (strstr(lives[i][k], "RECVMODE") == NULL && strstr(lives[i][k], "SYSMSG") == NULL))
                check(
                    desk_type(&desk, !esp && strstr(lives[i][k], "SYSMSG") ? "AT+SYSMSG_DEF=3\r\n" : lives[i][k], "OK"),
                    lives[i][k]);
        works();
        check(count("FAULT") == 0, "without a fault");
        check(count("OPENED") == 1, "of the other's links nothing was told");
#if CIPDRV_SERVER && CIPDRV_LINKS > 1
        told[0] = '\0';
        say("client guest to 80");
        awaits(CIPDRV_OPENED, 0, 5);
        works();
#endif
    }
}

/* 13. Found in passthrough, and in one that the modem enters by itself at each start. */
static void found_in_passthrough(void)
{
    plug();
    check(desk_type(&desk, "", "ready"), "it starts");
    check(desk_type(&desk, "AT+CWMODE=1\r\n", "OK"), "it is a station");
    check(desk_type(&desk, "AT+CWJAP=\"lab\",\"password\"\r\n", "OK"), "it joins");
    check(desk_type(&desk, "AT+CIPSTART=\"TCP\",\"10.0.2.2\",7\r\n", "OK"), "it dials");
    check(desk_type(&desk, "AT+CIPMODE=1\r\n", "OK") && desk_type(&desk, "AT+CIPSEND\r\n", ">"), "passthrough");
    say("server sends \"\\r\\nOK\\r\\n0,CONNECT\\r\\n\\r\\n+IPD,0,5:hello\\r\\nready\\r\\n\"");
    say("phase PASSTHROUGH");
    works();
    check(count("OPENED") == 1, "its payload was not believed");
}

#if CIPDRV_SAVED
static void found_in_saved_passthrough(void)
{
    plug();
    check(desk_type(&desk, "", "ready"), "it starts");
    check(desk_type(&desk, "AT+CWMODE=1\r\n", "OK"), "it is a station");
    check(desk_type(&desk, "AT+CWJAP=\"lab\",\"password\"\r\n", "OK"), "it joins");
    check(desk_type(&desk, "AT+SAVETRANSLINK=1,\"10.0.2.2\",7,\"TCP\"\r\n", "OK"), "it is saved");
    check(desk_type(&desk, "AT+RST\r\n", "\r\n>"), "passthrough from the start");
    say("phase PASSTHROUGH");
    works();
}
#endif

/* In passthrough of its own: whatever the payload spells, "+++" in it and the peer's silent end do no harm. */
#if CIPDRV_THROUGH
static void in_passthrough(void)
{
    uint8_t id = ready();
    cipdrv_through(&desk.driver, true);
    run(0.5);
    say("phase PASSTHROUGH");
    say("server sends \"\\r\\nCLOSED\\r\\n\\r\\nready\\r\\n+IPD,5:x\"");
    run(0.5);
    check(got(id, "\r\nCLOSED\r\n\r\nready\r\n+IPD,5:x"), "payload is payload");
    sends(id, "say +++ and go on");
    awaits(CIPDRV_SENT, id, 1);
    run(0.5);
    check(server_n == 17 && count("CLOSED") == 0 && count("DOWN") == 0, "nothing happened");
    say("server closes");
    run(1);
    say("phase PASSTHROUGH");
    works();
    id = opens(7); /* and out again by cipdrv_through() */
    cipdrv_through(&desk.driver, true);
    run(0.5);
    cipdrv_through(&desk.driver, false);
    run(3);
    say("phase COMMAND");
    server_n = 0;
    sends(id, "hello");
    awaits(CIPDRV_SENT, id, 1);
    run(0.1);
    check(server_n == 5, "with frames");
    works();
}
#endif

/* 14. SSL, without TLS: the dial fails, and says so. */
#if CIPDRV_SSL
static void ssl_without_tls(void)
{
    starts();
    say("no-tls 10.0.2.2:443");
    told[0] = '\0';
    uint8_t id = cipdrv_dial(&desk.driver, CIPDRV_TYPE_SSL, "10.0.2.2", 443 IF_UDP(, 0));
    links[id].dialled = true;
    awaits(CIPDRV_CLOSED, id, 30);
    check(was_told("CLOSED %u REFUSED", id), "it was told");
    works();
}
#endif

/* 15. The dialects drift: each policy in which firmwares differ, or in which nobody knows, the other way round. */
static void dialects_drift(void)
{
    static const struct {
        const char *id;
        unsigned    largest;
    } quirks[] = {
#define X(name, id, nonos, esp_at, largest, rows, values) { id, largest },
        CIPMUX_QUIRKS(X)
#undef X
    };
    for (int passive = 0; passive <= CIPDRV_PASSIVE; passive++)
        for (size_t i = 0; i < sizeof quirks / sizeof *quirks; i++)
            for (unsigned value = 0; value <= quirks[i].largest; value++) {
#if CIPDRV_PASSIVE
                options.driver.passive = passive;
#endif
                plug();
                check(cipmux_config_quirk(&desk.modem_config, quirks[i].id, value), quirks[i].id);
                works();
                check(count("FAULT") == 0 && count("DOWN") == 0, quirks[i].id);
            }
}

/* ---- All of them ------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    void (*pain)(void);
} pains[] = {
#define X(name) { #name, name },
#define PAINS(X)                                                                                                       \
    X(busy_while_dialling)                                                                                             \
    X(busy_while_joining)                                                                                              \
    X(busy_out_of_nowhere)                                                                                             \
    X(frame_inside_a_command)                                                                                          \
    IF_MULTIPLE(X(frame_inside_a_dial))                                                                                \
    X(closed_during_a_send)                                                                                            \
    X(closed_glued)                                                                                                    \
    X(header_byte_lost)                                                                                                \
    X(payload_bytes_lost)                                                                                              \
    X(ring_overruns)                                                                                                   \
    X(answer_lost)                                                                                                     \
    X(sent_bytes_lost)                                                                                                 \
    X(command_bytes_lost)                                                                                              \
    X(send_ok_late)                                                                                                    \
    X(send_ok_twice)                                                                                                   \
    X(send_ok_never)                                                                                                   \
    X(send_fail_then_ok)                                                                                               \
    IF_MULTIPLE(IF_SERVER(X(ids_collide) X(ids_used_again)))                                                           \
    IF_PASSIVE(X(closed_with_unread))                                                                                  \
    X(closed_behind_data)                                                                                              \
    IF_UDP(X(udp_when_wifi_goes))                                                                                      \
    X(reset_unasked)                                                                                                   \
    X(reset_in_a_frame)                                                                                                \
    X(reset_in_silence)                                                                                                \
    X(wrong_rate)                                                                                                      \
    X(garbage)                                                                                                         \
    X(found_in_the_other_mode)                                                                                         \
    X(found_in_passthrough)                                                                                            \
    IF_SAVED(X(found_in_saved_passthrough))                                                                            \
    IF_THROUGH(X(in_passthrough))                                                                                      \
    IF_SSL(X(ssl_without_tls))                                                                                         \
    X(dialects_drift)
    PAINS(X)
#undef X
};
enum { PAIN_COUNT = sizeof pains / sizeof *pains };

static void play(void (*pain)(void))
{
    esp = strcmp(dialect, "esp-at-2.3") == 0;
    old = strcmp(dialect, "nonos-1.3") == 0;
    options = desk_options(dialect);
    options.real = real;
    options.program = program;
    options.network = network;
    options.trace = trace;
    options.transmit = 8; /* so that no stage passes within one turn of the loop */
    options.period_us = 250;
    options.driver.ssid = "lab";
    options.driver.password = "password";
#if CIPDRV_SERVER
    options.driver.server_port = CIPDRV_LINKS > 1 ? 80 : 0;
#endif
    pain();
}

/* In each dialect, with both sets of times. */
static void play_all(void **state)
{
    void (*const *pain)(void) = *state;
    for (size_t i = 0; (dialect = cipmux_dialect_name(i)) != NULL; i++)
        for (int times = 0; times < 2; times++) {
            real = times;
            play(*pain);
        }
}

static void play_traced(void **state)
{
    void (*const *pain)(void) = *state;
    play(*pain);
}

int main(int argc, char **argv)
{
    static struct CMUnitTest tests[PAIN_COUNT];
    size_t                   n = 0;
    if (argc >= 4) {
        trace = stdout;
        dialect = argv[3];
        real = argc > 4;
    }
    for (size_t i = 0; i < PAIN_COUNT; i++) {
        if (trace && strcmp(argv[2], pains[i].name) != 0) continue;
        tests[n++] = (struct CMUnitTest){
            .name = pains[i].name,
            .test_func = trace ? play_traced : play_all,
            .initial_state = (void *)(uintptr_t)&pains[i].pain,
        };
    }
    return _cmocka_run_group_tests("pains", tests, n, NULL, NULL);
}
