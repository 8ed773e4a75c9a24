/* How the modem takes what is typed: payload, lines, lines that it answers "busy". The judge knows which byte it was when the
 * modem took it; whether a command was open then, cipmux_phase() tells. */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

enum { BURST_US = 868 }; /* ten characters at 115200 baud */

/* ---- Lines --------------------------------------------------------------------------------------------------------- */

static long number_at(const char *text, int field)
{
    for (; field > 0 && text; field--) {
        text = strchr(text, ',');
        if (text) text++;
    }
    return text && *text >= '0' && *text <= '9' ? strtol(text, NULL, 10) : -1;
}

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* What a line asks for. The id is the host's, 0 in single mode. */
static due_t read_line(const char *text)
{
    static const struct {
        const char *name;
        line_kind_t kind;
    } names[] = {
        { "AT+CIPSTART=", LINE_START },   { "AT+CIPSTARTEX=", LINE_START }, { "AT+CIPSEND=", LINE_SEND },
        { "AT+CIPRECVDATA=", LINE_READ }, { "AT+CIPSERVER=", LINE_SERVER },
    };
    due_t due = { .kind = strcmp(text, "AT+CIPSEND") == 0 ? LINE_THROUGH : LINE_OTHER, .at_us = now_us };
    snprintf(due.text, sizeof due.text, "%.47s", text);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!starts(text, names[i].name)) continue;
        const char *arguments = text + strlen(names[i].name);
        const long  first = number_at(arguments, 0), second = number_at(arguments, 1);
        const bool  multi = names[i].kind == LINE_START ? first >= 0 : first >= 0 && second >= 0;
        due.kind = names[i].kind;
        due.id = (uint8_t)(multi && first < CIPMUX_LINKS ? first : 0);
        due.n = (uint16_t)(multi && names[i].kind != LINE_START ? second : first);
    }
    return due;
}

/* Who leaves the network leaves behind what he has not read. */
static bool leaves_network(const char *text)
{
    return starts(text, "AT+CWJAP") || starts(text, "AT+CWQAP") || starts(text, "AT+CWMODE");
}

static void line_taken(node_t *n)
{
    n->line[n->line_n] = '\0';
    sums.lines++;
    const due_t due = read_line(n->line);
    for (size_t i = 0; i < n->conns && leaves_network(due.text); i++)
        n->conn[i].may_lose = n->conn[i].may_lose || n->conn[i].linked;
    n->line_n = 0;
    n->before = 0;
    if (due.kind == LINE_SEND) n->asked = due;
    if (n->dues == DUE)
        sim_fail(n, "test", "too many lines");
    else
        n->due[n->dues++] = due;
}

static void keep(node_t *n, uint8_t byte)
{
    if (n->line_n == sizeof n->line - 1) return; /* too long */
    n->line[n->line_n++] = (char)(byte ? byte : '?');
    if (!n->nonos || n->line_n != 2 || memcmp(n->line, "AT", 2) == 0 || memcmp(n->line, "at", 2) == 0) return;
    n->line[0] = n->line[1]; /* what stands before AT is none of nonos' business */
    n->line_n = 1;
}

/* nonos: each LF has one answer. */
static void nonos_byte(node_t *n, uint8_t byte, bool busy)
{
    const uint8_t before = n->before;
    n->before = byte;
    if (byte != '\n') {
        if (!busy || inside_sends(&n->modem)) keep(n, byte); /* while a command is open nothing is kept */
        return;
    }
    if (busy) {
        n->busy_may++;
        n->busy_must++;
        n->line_n = 0;
        sums.lines++;
        return;
    }
    if (before == '\r' && n->line_n) n->line_n--;
    line_taken(n);
}

/* esp-at: each CR LF has one, and each burst that begins while a command is open; a long one more than one. */
static void esp_at_byte(node_t *n, uint8_t byte, bool busy)
{
    static const char restart[] = "AT+RST\r\n";
    const bool        silence = now_us - n->line_us >= BURST_US;
    n->line_us = now_us;
    if (silence) {
        n->busy_burst = false;
        n->burst_bytes = 0;
    }
    if (busy || n->busy_burst) {
        if (n->burst_bytes++ % 90 == 0) n->busy_may++;
        if (!n->busy_burst) n->match = 0;
        const bool same = n->match < sizeof restart - 1 && byte == (uint8_t)restart[n->match];
        n->match = same ? n->match + 1 : sizeof restart;
        if (!same && !n->busy_burst) n->busy_must++;
        if (!same) n->busy_burst = true;
        return;
    }
    const uint8_t before = n->before;
    n->before = byte;
    if (byte != '\n' || before != '\r') {
        keep(n, byte);
        return;
    }
    if (n->line_n) n->line_n--;
    line_taken(n);
}

/* ---- Payload ------------------------------------------------------------------------------------------------------- */

static void begin_payload(node_t *n)
{
    conn_t *c = conn_now(n, n->asked.id);
    if (n->sends == SENDS) {
        sim_fail(n, "answers", "one more send, and %d have no verdict", SENDS);
        return;
    }
    n->collecting = true;
    if (c && c->pieces == PIECES) {
        c->unjudged = true;
        c = NULL;
    }
    n->send[n->sends++] = (send_t){ .conn = c, .piece = c ? c->pieces : 0, .n = n->asked.n };
    if (c) c->piece[c->pieces++] = (piece_t){ .first = c->typed, .n = n->asked.n };
}

static void payload_taken(node_t *n, const uint8_t *bytes, size_t length)
{
    send_t *send = &n->send[n->sends - 1];
    send->taken += (uint32_t)length;
    if (send->conn) conn_typed(n, send->conn, bytes, length);
    if (send->taken < send->n) return;
    if (send->conn) send->conn->piece[send->piece].complete = true;
    send->at_us = now_us;
    n->collecting = false;
}

static void through_taken(node_t *n, const uint8_t *bytes, size_t length)
{
    conn_t *c = conn_now(n, 0);
    if (n->escaping) {
        n->escaped_us = now_us;
        if (c && length != 3) c->unjudged = true;
    } else if (c) {
        const net_peer_t *peer = conn_peer(n, c);
        if (c->udp || (peer && peer->no_memory))
            c->unjudged = true; /* time cuts datagrams; nobody tells what is lost here */
        conn_typed(n, c, bytes, length);
    }
}

/* ---- Both ---------------------------------------------------------------------------------------------------------- */

/* Where the modem can change what it does is a cut. */
size_t taken_next(node_t *n, size_t length)
{
    const cipmux_phase_t phase = cipmux_phase(&n->modem);
    if (phase == CIPMUX_PHASE_COLLECTING) {
        const size_t left = cipmux_collecting(&n->modem);
        if (!n->collecting) begin_payload(n);
        if (sim_failed()) return 0;
        const send_t *send = &n->send[n->sends - 1];
        if (left != send->n - send->taken)
            sim_fail(n, "answers", "%zu bytes of payload are expected, of %u there were %u", left, send->n,
                     send->taken);
        return left < length ? left : length;
    }
    if (phase == CIPMUX_PHASE_PASSTHROUGH || phase == CIPMUX_PHASE_OFF) return length;
    if (!n->nonos || phase == CIPMUX_PHASE_BUSY) return 1;
    const uint8_t *end = memchr(n->queue, '\n', length);
    return end == n->queue ? 1 : end ? (size_t)(end - n->queue) : length;
}

void taken_bytes(node_t *n, const uint8_t *bytes, size_t length, cipmux_phase_t phase)
{
    switch (phase) {
    case CIPMUX_PHASE_OFF: return;
    case CIPMUX_PHASE_COLLECTING: payload_taken(n, bytes, length); return;
    case CIPMUX_PHASE_PASSTHROUGH: through_taken(n, bytes, length); return;
    case CIPMUX_PHASE_COMMAND:
    case CIPMUX_PHASE_BUSY: break;
    }
    for (size_t i = 0; i < length; i++)
        (n->nonos ? nonos_byte : esp_at_byte)(n, bytes[i], phase == CIPMUX_PHASE_BUSY);
}

/* The modem has begun anew: what is open has no answer any more, and its links are gone. */
void taken_restart(node_t *n)
{
    n->restarts++;
    n->dues = 0;
    n->busy_may = n->busy_must = 0;
    n->collecting = n->busy_burst = false;
    n->sends = 0;
    n->line_n = 0;
    n->before = 0;
    n->line_us = 0;
    for (size_t i = 0; i < n->conns; i++)
        n->conn[i].gone = true;
    sums.restarts++;
}
