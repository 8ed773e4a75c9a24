/* What the modem prints, read by a host that knows nothing of driver/: lines, prompts, and payload by its announced length. */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

/* ---- Words --------------------------------------------------------------------------------------------------------- */

/* Whole lines, and those that begin so ('*'). */
static const char *const known[] = {
    "ready",
    "WIFI CONNECTED",
    "WIFI GOT IP",
    "WIFI DISCONNECT",
    "DHCP TIMEOUT",
    "no ip",
    "ID ERROR",
    "Link type ERROR",
    "IP ERROR",
    "ENTRY ERROR",
    "Miss param",
    "ALREADY CONNECTED",
    "DNS Fail",
    "link is builded",
    "IPMODE must be 0",
    "CIPSERVER must be 0",
    "CIPMUX and CIPSERVER must be 0",
    "IPMODE=1",
    "link is not valid",
    "too long",
    "no tail",
    "ip error",
    "no port",
    "port error",
    "port range error",
    "MUX=0",
    "MUX=1",
    "UNLINK",
    "no change",
    "TcpServer Failure",
    "send mode error",
    "Will force to restart!!!",
    "ATE0",
    "QAP fail",
    "STATUS:*",
    "AT version:*",
    "SDK version:*",
    "compile time*",
    "Bin version*",
    "Have *",
    "No AP",
    "+CIP*",
    "+CW*",
    "+PING:*",
    "+SYS*",
    "+UART*",
    "+timeout",
    "+*", /* AT+PING of nonos prints its time as +N */
};

static bool is_known(const char *line)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const size_t length = strlen(known[i]);
        if (known[i][length - 1] == '*' ? strncmp(line, known[i], length - 1) == 0 : strcmp(line, known[i]) == 0)
            return true;
    }
    return false;
}

/* ---- Answers ------------------------------------------------------------------------------------------------------- */

static void finish_line(node_t *n, bool good)
{
    n->prompted = false;
    if (n->restarts) return; /* of a command that was open, or of AT+RST in between: no more is known */
    sums.answers++;
    if (n->dues == 0) {
        sim_fail(n, "answers", "%s, and no command is open", good ? "OK" : "ERROR");
        return;
    }
    const due_t due = n->answered = n->due[0];
    memmove(n->due, n->due + 1, --n->dues * sizeof n->due[0]);
    n->prompted = good && (due.kind == LINE_SEND || due.kind == LINE_THROUGH);
    if (due.kind == LINE_START && !good) n->dial_failed[due.id] = n->nonos;
    if (due.kind == LINE_START && good && !n->open[due.id] && !strstr(due.text, "EX"))
        sim_fail(n, "answers", "OK to %s, and link %d is not open", due.text, due.id);
    if (n->host == HOST_ANSWER) n->host = HOST_IDLE;
    if (n->host == HOST_PROMPT && !good) n->host = HOST_IDLE;
}

static void finish_busy(node_t *n)
{
    if (n->restarts) return;
    sums.answers++;
    if (n->busy_may == 0)
        sim_fail(n, "answers", "busy, and no line was typed while a command was open");
    else
        n->busy_may--;
    if (n->busy_must) n->busy_must--;
    if (n->host == HOST_ANSWER || n->host == HOST_PROMPT) n->host = HOST_IDLE;
}

static void finish_send(node_t *n, bool good, bool canceled)
{
    if (n->restarts) return;
    sums.answers++;
    const send_t send = n->send[0];
    if (n->sends == 0 || (send.taken < send.n) != canceled) {
        sim_fail(n, "answers", "a verdict of a send, and there is none");
        return;
    }
    memmove(n->send, n->send + 1, --n->sends * sizeof n->send[0]);
    conn_t *c = send.conn;
    if (canceled) n->collecting = false;
    if (canceled && c) {
        c->typed = c->piece[send.piece].first;
        c->pieces--;
    } else if (c) {
        piece_t *piece = &c->piece[send.piece];
        piece->state = good ? PIECE_SENT : PIECE_FAILED;
        c->failed = c->failed || !good;
        if (good && !c->udp && !conn_has(n, c, piece->first + piece->n))
            sim_fail(n, "bytes", "link %d: SEND OK, but the peer has not all of the %u bytes", c->link.id, piece->n);
    }
    if (n->host == HOST_VERDICT) n->host = HOST_IDLE;
}

static void received(node_t *n, const char *line)
{
    const uint32_t length = (uint32_t)strtoul(line + 5, NULL, 10);
    for (size_t i = 0; i < n->sends; i++)
        if (n->send[i].n == length && n->send[i].taken == length) return;
    if (!n->restarts) sim_fail(n, "answers", "%s, and no such send", line);
}

static void prompt(node_t *n)
{
    if (n->restarts) return;
    if (!n->prompted) sim_fail(n, "answers", "a prompt that nobody asked for");
    n->prompted = false;
    if (n->host != HOST_PROMPT) return;
    n->host = n->answered.kind == LINE_SEND ? HOST_VERDICT : HOST_IDLE;
    n->pause_us = now_us + mix(n->payload_random, 7) % 4000;
}

/* "ready": the links of before are gone. */
static void ready(node_t *n)
{
    if (n->restarts == 0) {
        sim_fail(n, "answers", "ready, and nobody has reset it");
        return;
    }
    n->restarts--;
    for (int id = 0; id < CIPMUX_LINKS; id++) {
        n->open[id] = n->last[id] = NULL;
        n->dial_failed[id] = false;
    }
    for (size_t i = 0; i < n->conns && n->restarts == 0; i++)
        n->conn[i].told = n->conn[i].told || n->conn[i].gone;
    n->prompted = false;
    n->host = HOST_IDLE;
    if (n->driven) return;
    host_line(n, "ATE0\r\n");
    n->host = HOST_ANSWER;
}

/* ---- Lines --------------------------------------------------------------------------------------------------------- */

static void link_line(node_t *n, const char *line)
{
    uint8_t id = 0;
    if (line[0] >= '0' && line[0] <= '4' && line[1] == ',') {
        id = (uint8_t)(line[0] - '0');
        line += 2;
    }
    if (strcmp(line, "CONNECT") == 0)
        conn_told(n, id);
    else if (strcmp(line, "CLOSED") == 0)
        conn_closed(n, id);
    else if (n->open[id])
        conn_closed(n, id); /* CONNECT FAIL: a client that died */
    else if (!n->restarts && (n->dues == 0 || n->due[0].kind != LINE_START))
        sim_fail(n, "links", "CONNECT FAIL for link %d, which is not open", id);
}

static bool is_link_line(const char *line)
{
    if (line[0] >= '0' && line[0] <= '4' && line[1] == ',') line += 2;
    return strcmp(line, "CONNECT") == 0 || strcmp(line, "CLOSED") == 0 || strcmp(line, "CONNECT FAIL") == 0;
}

static void line_said(node_t *n)
{
    const char *line = n->said;
    if (strcmp(line, "OK") == 0)
        finish_line(n, true);
    else if (strcmp(line, "ERROR") == 0 || strcmp(line, "FAIL") == 0)
        finish_line(n, false);
    else if (strncmp(line, "busy ", 5) == 0 && strcmp(line + 6, "...") == 0)
        finish_busy(n);
    else if (strcmp(line, "SEND OK") == 0 || strcmp(line, "SEND FAIL") == 0)
        finish_send(n, line[5] == 'O', false);
    else if (strcmp(line, "SEND Canceled") == 0)
        finish_send(n, false, true);
    else if (strncmp(line, "Recv ", 5) == 0)
        received(n, line);
    else if (is_link_line(line))
        link_line(n, line);
    else if (strcmp(line, "ready") == 0)
        ready(n);
    else if (!is_known(line) && !n->restarts && !inside_echo(&n->modem))
        sim_fail(n, "words", "what does this mean: %.100s", line);
}

/* ---- Payload ------------------------------------------------------------------------------------------------------- */

static void begin_frame(node_t *n, uint8_t id, uint32_t length)
{
    n->frame = n->open[id] ? n->open[id] : n->last[id];
    n->frame_left = n->frame_n = length;
    n->said_n = 0;
    if (!n->frame) sim_fail(n, "links", "payload of link %d, which is not open", id);
}

/* +IPD,N: +IPD,ID,N: and both with ,ADDRESS,PORT in between. */
static bool is_frame(node_t *n)
{
    uint32_t field[2] = { 0 };
    int      commas = 0;
    if (strncmp(n->said, "+IPD,", 5) != 0 || n->said[n->said_n - 1] != ':') return false;
    for (size_t i = 5; i < n->said_n; i++)
        commas += n->said[i] == ',';
    char *end = n->said + 5;
    field[0] = (uint32_t)strtoul(end, &end, 10);
    const bool multi = commas == 1 || commas == 3;
    if (multi) field[1] = (uint32_t)strtoul(end + 1, &end, 10);
    if (commas > 3 || (multi && field[0] >= CIPMUX_LINKS)) return false;
    begin_frame(n, (uint8_t)(multi ? field[0] : 0), field[multi]);
    return true;
}

/* nonos +CIPRECVDATA,N: esp-at +CIPRECVDATA:N, or with "ADDRESS",PORT, behind it. */
static bool is_read(node_t *n)
{
    static const char name[] = "+CIPRECVDATA";
    const size_t      length = sizeof name - 1;
    int               commas = 0;
    if (n->said_n < length + 2 || memcmp(n->said, name, length) != 0) return false;
    for (size_t i = length + 1; i < n->said_n; i++)
        commas += n->said[i] == ',';
    const char last = n->said[n->said_n - 1];
    if (n->nonos ? last != ':' : last != ',' || commas != (inside_dinfo(&n->modem) ? 3 : 1)) return false;
    if (n->dues == 0 || n->due[0].kind != LINE_READ) {
        if (!n->restarts) sim_fail(n, "answers", "data that nobody asked for");
        n->said_n = 0;
        return true;
    }
    begin_frame(n, n->due[0].id, (uint32_t)strtoul(n->said + length + 1, NULL, 10));
    return true;
}

/* Payload; returns how much of it belongs to the frame. */
static size_t frame_bytes(node_t *n, const uint8_t *bytes, size_t length)
{
    static uint8_t datagram[NODES][2048];
    if (length > n->frame_left) length = n->frame_left;
    conn_t *c = n->frame;
    if (c && !c->udp) conn_got(n, c, bytes, length);
    if (c && c->udp && n->frame_n <= sizeof datagram[0]) {
        memcpy(datagram[n->number] + n->frame_n - n->frame_left, bytes, length);
        if (n->frame_left == length && !c->may_lose) conn_got_datagram(n, c, datagram[n->number], n->frame_n);
    }
    n->frame_left -= (uint32_t)length;
    return length;
}

static void text_byte(node_t *n, uint8_t byte)
{
    if (n->said_n == 0 && (byte == '\r' || byte == '\n' || byte == ' ')) return;
    if (n->said_n == 0 && byte == '>') {
        prompt(n);
        return;
    }
    if (byte == '\n') {
        while (n->said_n && n->said[n->said_n - 1] == '\r')
            n->said_n--;
        n->said[n->said_n] = '\0';
        line_said(n);
        n->said_n = 0;
        return;
    }
    if (n->said_n == sizeof n->said - 1) {
        sim_fail(n, "words", "a line without an end");
        n->said_n = 0;
    }
    n->said[n->said_n++] = (char)byte;
    n->said[n->said_n] = '\0';
    if (n->said[0] == '+' && (byte == ':' || byte == ',') && !is_frame(n)) is_read(n);
}

static void hear(node_t *n, const uint8_t *bytes, size_t length)
{
    log_bytes(n, '<', bytes, length);
    for (size_t i = 0, part; i < length; i += part) {
        part = 1;
        if (n->frame_left)
            part = frame_bytes(n, bytes + i, length - i);
        else
            text_byte(n, bytes[i]);
        if (n->driven) driven_reads(n, bytes + i, part);
    }
}

/* ---- Reading ------------------------------------------------------------------------------------------------------- */

/* What passthrough prints of link 0 nothing announces: so few bytes at a time that the inside tells which they are. */
static size_t read_raw(node_t *n, uint8_t *out, size_t capacity)
{
    const size_t text = inside_text(&n->modem), left = inside_raw_left(&n->modem), held = inside_held(&n->modem);
    const size_t framed = inside_framed(&n->modem); /* begun before passthrough was */
    if (framed) {
        const size_t length = cipmux_poll(&n->modem, now_us, out, capacity < framed ? capacity : framed);
        hear(n, out, length);
        return length;
    }
    if (left && capacity > left) capacity = left;
    if (!left) capacity = text && capacity > text ? text : text ? capacity : 1;
    const size_t length = cipmux_poll(&n->modem, now_us, out, capacity);
    if (length && inside_held(&n->modem) < held) {
        conn_t *c = conn_now(n, 0);
        log_bytes(n, '<', out, length);
        if (c && c->udp) c->may_lose = true; /* where one ends nothing tells */
        if (c && !c->udp) conn_got(n, c, out, length);
        return length;
    }
    hear(n, out, length);
    return length;
}

/* Passthrough may begin while it is being read. */
static bool may_be_raw(const node_t *n)
{
    bool raw = inside_raw(&n->modem);
    for (size_t i = 0; i < n->dues; i++)
        raw = raw || n->due[i].kind == LINE_THROUGH;
    return raw;
}

bool said_read(node_t *n)
{
    uint8_t out[512];
    bool    moved = false;
    if (now_us < n->deaf_until_us) return false;
    size_t budget = SIZE_MAX;
    if (n->slow) {
        if (now_us < n->slow_us) return false;
        budget = n->slow;
    }
    for (size_t calls = 0; budget && !sim_failed(); calls++) {
        if (calls == 20000) sim_fail(n, "words", "it prints without end");
        size_t capacity = 1 + mix(now_us, n->said_n + n->dues) % sizeof out;
        if (capacity > budget) capacity = budget;
        const bool   raw = may_be_raw(n);
        const size_t length = raw ? read_raw(n, out, capacity) : cipmux_poll(&n->modem, now_us, out, capacity);
        if (length == 0) {
            n->heard_us = now_us;
            return moved;
        }
        if (!raw) hear(n, out, length);
        if (budget != SIZE_MAX) budget -= length;
        moved = true;
    }
    n->slow_us = now_us + 1000;
    return moved;
}

void said_reset(node_t *n)
{
    n->said_n = 0;
    n->frame_left = 0;
    n->prompted = false;
    for (size_t i = 0; i < n->conns; i++) /* what was said and not read is gone */
        n->conn[i].told = true;
}
