/* What a host types: commands that it has in mind, one behind the other, or whatever comes into its head. */
#include "sim.h"

#include <stdarg.h>
#include <string.h>

enum { PATIENCE_US = 40 * 1000000, SETUP = 0x7fff0000 };

/* ---- Typing -------------------------------------------------------------------------------------------------------- */

void host_type(node_t *n, const void *bytes, size_t length)
{
    if (n->queued + length > QUEUE) return; /* it gives up */
    memcpy(n->queue + n->queued, bytes, length);
    n->queued += length;
    n->dirty = true;
}

void host_line(node_t *n, const char *format, ...)
{
    char    line[600];
    va_list list;
    va_start(list, format);
    const int length = vsnprintf(line, sizeof line, format, list); /* NOLINT(clang-analyzer-valist.Uninitialized) */
    va_end(list);
    host_type(n, line, (size_t)length);
}

static void drop_typed(node_t *n, size_t length)
{
    n->queued -= length;
    memmove(n->queue, n->queue + length, n->queued);
}

bool host_types(node_t *n)
{
    bool moved = false;
    while (n->queued && !sim_failed()) {
        cipmux_tick(&n->modem, now_us);
        const cipmux_phase_t phase = cipmux_phase(&n->modem);
        if (phase == CIPMUX_PHASE_OFF && !n->off) return true; /* seen first */
        const size_t want = taken_next(n, n->queued);
        const size_t length = cipmux_sink(&n->modem, now_us, n->queue, want);
        if (length > want) sim_fail(n, "memory", "it took %zu of %zu bytes", length, want);
        if (length == 0) return moved;
        log_bytes(n, '>', n->queue, length);
        taken_bytes(n, n->queue, length, phase);
        drop_typed(n, length);
        n->typed_us = now_us;
        moved = true;
        if (cipmux_phase(&n->modem) == CIPMUX_PHASE_OFF && !n->off) return true;
    }
    return moved;
}

/* ---- Commands ------------------------------------------------------------------------------------------------------ */

static uint8_t some_id(const node_t *n, uint32_t random)
{
    for (uint32_t i = 0; i < CIPMUX_LINKS && random % 8; i++)
        if (n->open[(random + i) % CIPMUX_LINKS]) return (uint8_t)((random + i) % CIPMUX_LINKS);
    return (uint8_t)(random % CIPMUX_LINKS);
}

/* Does the host believe that it is in multiple mode? */
static bool multi(const node_t *n)
{
    return !inside_single(&n->modem);
}

static const char *const lines[] = {
    "AT",
    "AT+GMR",
    "AT+CIPSTATUS",
    "AT+CIFSR",
    "AT+CIPMUX?",
    "AT+CIPRECVLEN?",
    "AT+CIPDINFO=0",
    "AT+CIPDINFO=1",
    "AT+CIPRECVMODE=0",
    "AT+CIPRECVMODE=1",
    "AT+CIPSTO=1",
    "AT+CIPSTO=3",
    "AT+CIPSTO?",
    "AT+CIPSERVERMAXCONN=2",
    "AT+CIPSERVERMAXCONN=5",
    "AT+CIPMODE=0",
    "AT+CIPCLOSE=5",
    "AT+CIPCLOSE",
    "AT+CWMODE?",
    "AT+CWJAP?",
    "AT+CWJAP=\"lab\",\"password\"",
    "AT+CWJAP=\"lab\",\"wrong\"",
    "AT+CWJAP=\"none\",\"\"",
    "AT+CWQAP",
    "AT+CIPDOMAIN=\"host.lab\"",
    "AT+CIPDOMAIN=\"nobody.lab\"",
    "AT+PING=\"10.0.2.2\"",
    "AT+CIPSTART",
    "AT+CIPSTART=\"TCP\",\"10.0.2.2\"",
    "AT+CIPSTART=7,\"TCP\",\"10.0.2.2\",5000",
    "AT+CIPSEND=9,10",
    "AT+CIPSEND=0,99999",
    "AT+CIPSEND=-1",
    "AT+CIPSEND",
    "AT+CIPTCPOPT?",
    "AT+CIPSTATE?",
    "AT+SYSRAM?",
    "AT+FOO=1,2",
    "AT+CIPMUX=7",
    "AT+",
    "at+cipstatus",
    "",
};
enum { LINES = sizeof lines / sizeof *lines };

static void type_garbage(node_t *n, uint32_t random)
{
    static const uint8_t alphabet[] = { 'A', 'T',  '+', '=', ',', '"', '0', '5', '\\',
                                        0,   0xff, ' ', 'I', 'P', 'D', '>', '\r' };
    uint8_t              bytes[330];
    const size_t         length = 1 + mix(random, 1) % (mix(random, 2) % 8 ? 40 : 320);
    for (size_t i = 0; i < length; i++)
        bytes[i] = alphabet[mix(random, (uint32_t)i + 9) % sizeof alphabet];
    host_type(n, bytes, length);
    if (mix(random, 3) % 4) host_type(n, "\r\n", 2);
}

static void type_dial(node_t *n, uint32_t random)
{
    static const uint16_t ports[] = { 5000, 5000, 5001, 5000, 5003, 5004, 5005, 5006, 5000, 5002 };
    char                  id[4] = "", target[60];
    const uint32_t        what = mix(random, 1) % 16;
    if (multi(n)) snprintf(id, sizeof id, "%u,", mix(random, 2) % CIPMUX_LINKS);
    if (what < 4)
        snprintf(target, sizeof target, "\"UDP\",\"10.0.2.2\",6000,%u,%u", 7000 + mix(random, 3) % 3,
                 mix(random, 4) % 3);
    else if (what < 8 && nodes > 1)
        snprintf(target, sizeof target, "\"TCP\",\"10.0.2.%u\",80", 100 + mix(random, 3) % nodes);
    else if (what == 8)
        snprintf(target, sizeof target, "\"TCP\",\"%s.lab\",5000", mix(random, 3) % 3 ? "host" : "nobody");
    else
        snprintf(target, sizeof target, "\"TCP\",\"10.0.2.2\",%u%s", ports[mix(random, 3) % 10],
                 mix(random, 4) % 3 ? "" : ",5");
    host_line(n, "AT+CIPSTART=%s%s\r\n", id, target);
}

static void type_send(node_t *n, uint32_t random)
{
    const uint32_t most = mix(random, 1) % 8 ? 60 : 2048;
    n->payload_n = (uint16_t)(mix(random, 4) % 24 ? 1 + mix(random, 2) % most : CIPMUX_SEND_MAX);
    n->payload_random = random;
    if (multi(n))
        host_line(n, "AT+CIPSEND=%u,%u\r\n", some_id(n, mix(random, 3)), n->payload_n);
    else
        host_line(n, "AT+CIPSEND=%u\r\n", n->payload_n);
}

/* Text that answers might be, and noise. */
static void type_payload(node_t *n, uint32_t random, size_t length)
{
    static const char *const words[] = { "OK\r\n", "\r\n+IPD,0,9:", "AT\r\n", "SEND OK\r\n", "CLOSED\r\n", "\\0+" };
    uint8_t                  bytes[2048];
    for (size_t i = 0; i < length;) {
        const uint32_t more = mix(random, (uint32_t)i + 50);
        const char    *word = words[more / 4 % 6];
        for (size_t k = 0; k < 4 && i < length && more % 4; k++)
            bytes[i++] = (uint8_t)(more >> (8 * k));
        while (more % 4 == 0 && *word && i < length)
            bytes[i++] = (uint8_t)*word++;
    }
    host_type(n, bytes, length);
}

static void type_read(node_t *n, uint32_t random)
{
    const uint32_t length = 1 + mix(random, 1) % (mix(random, 2) % 4 ? 100 : 2048);
    if (multi(n))
        host_line(n, "AT+CIPRECVDATA=%u,%u\r\n", some_id(n, mix(random, 3)), length);
    else
        host_line(n, "AT+CIPRECVDATA=%u\r\n", length);
}

static void type_close(node_t *n, uint32_t random)
{
    if (multi(n))
        host_line(n, "AT+CIPCLOSE=%u\r\n", some_id(n, random));
    else
        host_line(n, "AT+CIPCLOSE\r\n");
}

/* Types what the action wants. */
static void type_action(node_t *n, act_kind_t kind, uint32_t random)
{
    switch ((int)kind) {
    case ACT_SEND: type_send(n, random); break;
    case ACT_DIAL: type_dial(n, random); break;
    case ACT_CLOSE: type_close(n, random); break;
    case ACT_SERVER: host_line(n, random % 4 ? "AT+CIPSERVER=1,80\r\n" : "AT+CIPSERVER=0\r\n"); break;
    case ACT_MUX: host_line(n, "AT+CIPMUX=%u\r\n", random % 4 ? 1 : 0); break;
    case ACT_READ: type_read(n, random); break;
    case ACT_GARBAGE: type_garbage(n, random); break;
    case ACT_RESTART: host_line(n, random % 8 ? "AT+RST\r\n" : "AT+RESTORE\r\n"); break;
    case ACT_THROUGH: host_line(n, "%s\r\n", random % 2 ? "AT+CIPSEND" : "AT+CIPMODE=1"); break;
    default: host_line(n, "%s\r\n", lines[random % LINES]); break;
    }
}

/* ---- One behind the other ------------------------------------------------------------------------------------------ */

void host_intend(node_t *n, act_kind_t kind, uint32_t random)
{
    if (n->intents == INTENTS) return;
    n->intent[n->intents++] = (intent_t){ kind, random };
    n->dirty = true;
}

void host_rude(node_t *n, act_kind_t kind, uint32_t random)
{
    sums.rude++;
    if (n->restarts || inside_echo(&n->modem) || cipmux_phase(&n->modem) == CIPMUX_PHASE_PASSTHROUGH) return;
    type_action(n, kind, random);
    n->payload_n = 0;
}

static const char *setup_line(uint32_t number)
{
    static const char *const setup[] = { "ATE0",         "AT+CWMODE=1",       "AT+CWJAP=\"lab\",\"password\"",
                                         "AT+CIPMUX=1",  "AT+CIPSERVER=1,80", "AT+CIPRECVMODE=1",
                                         "AT+CIPDINFO=1" };
    return setup[number];
}

void host_start(node_t *n, uint8_t start)
{
    for (uint32_t i = 0; i < 7; i++)
        if (i < 3 || start >> (i - 3) & 1) host_intend(n, ACT_LINE, SETUP + i);
}

/* In passthrough every byte is payload, but for "+++" alone. */
static bool act_through(node_t *n, intent_t intent)
{
    if (intent.kind != ACT_THROUGH && intent.kind != ACT_RESTART) {
        type_payload(n, intent.random, 4 + mix(intent.random, 1) % (mix(intent.random, 2) % 4 ? 40 : 2040));
        return true;
    }
    if (now_us < n->typed_us + 30000) {
        n->pause_us = n->typed_us + 30000;
        return false;
    }
    n->escaping = true;
    host_type(n, "+++", 3);
    n->pause_us = now_us + 60000;
    return true;
}

static void begin(node_t *n, intent_t intent)
{
    n->payload_n = 0;
    n->host = HOST_ANSWER;
    if (intent.kind == ACT_LINE && intent.random >= SETUP && intent.random < SETUP + 7)
        host_line(n, "%s\r\n", setup_line(intent.random - SETUP));
    else
        type_action(n, intent.kind, intent.random);
    if (intent.kind == ACT_SEND) n->host = HOST_PROMPT;
    if (intent.kind == ACT_GARBAGE) n->host = HOST_IDLE;
}

bool host_acts(node_t *n)
{
    const cipmux_phase_t phase = cipmux_phase(&n->modem);
    if (n->driven) return driven_acts(n);
    if (phase == CIPMUX_PHASE_OFF || n->queued || now_us < n->pause_us) return false;
    if (n->escaping && phase == CIPMUX_PHASE_PASSTHROUGH) { /* the modem did not take it for an escape */
        conn_t *c = conn_now(n, 0);
        if (c) c->unjudged = true;
    }
    n->escaping = false;
    if (n->host == HOST_VERDICT && n->payload_n) {
        type_payload(n, n->payload_random, n->payload_n);
        n->payload_n = 0;
        return true;
    }
    if (n->host != HOST_IDLE && now_us > n->typed_us + PATIENCE_US) n->host = HOST_IDLE;
    if (n->host != HOST_IDLE || n->restarts || n->intents == 0) return false;
    if (!n->nonos && now_us < n->typed_us + 2000) { /* a burst is a line, and no more */
        n->pause_us = n->typed_us + 2000;
        return false;
    }
    const intent_t intent = n->intent[0];
    if (phase == CIPMUX_PHASE_PASSTHROUGH) {
        if (!act_through(n, intent)) return false;
    } else
        begin(n, intent);
    memmove(n->intent, n->intent + 1, --n->intents * sizeof n->intent[0]);
    return true;
}

uint64_t host_deadline(const node_t *n)
{
    uint64_t due = n->driven ? driven_deadline(n) : CIPMUX_NEVER;
    if (n->pause_us > now_us && (n->intents || n->host == HOST_VERDICT || n->escaping)) due = n->pause_us;
    if (n->deaf_until_us > now_us && n->deaf_until_us < due) due = n->deaf_until_us;
    if (n->slow && n->slow_us > now_us && n->slow_us < due) due = n->slow_us;
    if (n->host != HOST_IDLE && n->intents && n->typed_us + PATIENCE_US + 1 > now_us &&
        n->typed_us + PATIENCE_US + 1 < due)
        due = n->typed_us + PATIENCE_US + 1;
    return due;
}
