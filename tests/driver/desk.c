/* Driver and modem, back to back: see desk.h. */
#include "desk.h"

#include "inside.h"

#include <stdarg.h>
#include <string.h>

enum {
    BURST = 40,          /* longest burst of lost or garbled bytes */
    MODEM_AHEAD = 128,   /* bytes that the modem's transmit FIFO holds */
    ROUNDS_MAX = 200000, /* within one instant */
};

/* ---- Small things ------------------------------------------------------------------------------------------------ */

static void fail(desk_t *desk, const char *format, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 2, 3)))
#endif
    ;

static void fail(desk_t *desk, const char *format, ...)
{
    va_list list;
    if (desk->error[0]) return;
    va_start(list, format);
    vsnprintf(desk->error, sizeof desk->error, format, list); /* NOLINT(clang-analyzer-valist.Uninitialized) */
    va_end(list);
    if (desk->options.trace) fprintf(desk->options.trace, "!! %s\n", desk->error);
}

uint64_t desk_random(desk_t *desk)
{
    desk->random ^= desk->random << 13;
    desk->random ^= desk->random >> 7;
    desk->random ^= desk->random << 17;
    return desk->random * UINT64_C(0x2545f4914f6cdd1d) >> 16;
}

static uint16_t ticks(const desk_t *desk)
{
    return (uint16_t)(desk->now_us / 4000);
}

const char *desk_event_name(uint8_t event)
{
    static const char *const names[] = { "RATE", "UP",   "DOWN",   "OPENED", "RECEIVED", "ROOM",
                                         "FILL", "SENT", "CLOSED", "FAULT",  "ANSWER" };
    return event < sizeof names / sizeof *names ? names[event] : "?";
}

const char *desk_cause_name(uint16_t cause)
{
    static const char *const names[] = { "BY_PEER",  "BY_US",    "REFUSED", "LOST",       "DAMAGED",
                                         "NOT_SENT", "NO_MODEM", "RESET",   "NO_NETWORK", "NO_SERVER" };
    return cause < sizeof names / sizeof *names ? names[cause] : "?";
}

/* ---- Trace ------------------------------------------------------------------------------------------------------- */

static void trace_begins(desk_t *desk, const char *what)
{
    fprintf(desk->options.trace, "%11.6f %s ", (double)desk->now_us / 1e6, what);
}

static void trace_bytes(desk_t *desk, const char *what, const uint8_t *bytes, size_t n)
{
    FILE *out = desk->options.trace;
    if (!out || !n) return;
    trace_begins(desk, what);
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] == '\r')
            fputs("\\r", out);
        else if (bytes[i] == '\n')
            fputs("\\n", out);
        else if (bytes[i] < ' ' || bytes[i] > '~')
            fprintf(out, "\\x%02x", bytes[i]);
        else
            fputc(bytes[i], out);
    }
    fputc('\n', out);
}

static void trace_event(desk_t *desk, uint8_t event, uint8_t link, uint16_t n, uint16_t answer)
{
    FILE *out = desk->options.trace;
    if (!out) return;
    trace_begins(desk, "**");
    fprintf(out, "%s", desk_event_name(event));
    if (link != CIPDRV_NO_LINK) fprintf(out, " link %u", link);
    if (event == CIPDRV_CLOSED || event == CIPDRV_DOWN)
        fprintf(out, " %s", desk_cause_name(n));
    else
        fprintf(out, " %u", n);
    if (event == CIPDRV_RECEIVED || event == CIPDRV_ROOM || event == CIPDRV_FILL) fprintf(out, " -> %u", answer);
    fputc('\n', out);
}

/* ---- Units: what is being sent ----------------------------------------------------------------------------------- */

desk_unit_t *desk_unit(desk_t *desk, desk_wire_t wire, uint32_t number)
{
    return &desk->unit[wire][number % DESK_UNITS];
}

static desk_unit_t *unit_begins(desk_t *desk, desk_wire_t wire)
{
    desk_line_t *line = &desk->line[wire];
    desk_unit_t *unit = desk_unit(desk, wire, ++line->unit);
    line->printed = 0;
    *unit = (desk_unit_t){ .kind = DESK_TEXT, .peer = -1, .at_us = desk->now_us };
    return unit;
}

/* Bytes of the unit are about to be printed: which command has the modem read last? */
static void note_question(desk_t *desk, desk_unit_t *unit)
{
    unit->answers = desk->heard.unit;
    unit->misled = desk->heard.wrong;
}

/* Index of the peer that has, or had last, this link. */
static int16_t peer_of(const desk_t *desk, cipmux_link_t link)
{
    int16_t youngest = -1;
    for (int16_t i = 0; i < NET_PEERS; i++) {
        const net_peer_t *peer = &desk->world.net.peer[i];
        if (peer->state != NET_CONNECTED || peer->link.id != link.id || peer->link.life != link.life) continue;
        if (youngest < 0 || peer->age > desk->world.net.peer[youngest].age) youngest = i;
    }
    return youngest;
}

/* The byte that follows is the first of a frame's header. */
static void frame_begins(desk_t *desk, const inside_frame_t *frame)
{
    desk_line_t *line = &desk->line[DESK_TO_DRIVER];
    desk_unit_t *unit = desk_unit(desk, DESK_TO_DRIVER, line->unit);
    if (line->printed) unit = unit_begins(desk, DESK_TO_DRIVER);
    unit->kind = DESK_FRAME;
    unit->at_us = desk->now_us;
    unit->peer = peer_of(desk, frame->link);
    unit->link = frame->link.id;
    unit->life = frame->link.life;
    unit->n = frame->left;
    note_question(desk, unit);
    line->payload = frame->left;
    line->offset = 0;
    if (desk->options.begins) desk->options.begins(desk, DESK_TO_DRIVER, line->unit);
}

/* The modem was reset: what it was printing stays as it is, and until it is set up again it prints what nobody asked for. */
static void cut(desk_t *desk)
{
    desk_line_t *line = &desk->line[DESK_TO_DRIVER];
    if (line->payload || line->printed) {
        desk_unit(desk, DESK_TO_DRIVER, line->unit)->touched = true;
        unit_begins(desk, DESK_TO_DRIVER);
    }
    line->payload = 0;
    line->strange = true;
}

/* A byte that goes onto the wire to the driver: to which unit it belongs. */
static void note_byte_of_modem(desk_t *desk, uint8_t c, bool payload)
{
    desk_line_t *line = &desk->line[DESK_TO_DRIVER];
    desk_unit_t *unit = desk_unit(desk, DESK_TO_DRIVER, line->unit);
    desk_byte_t *was = &line->was[line->sent % DESK_WINDOW];
    *was = (desk_byte_t){ .unit = line->unit, .offset = DESK_NO_OFFSET, .value = c, .strange = line->strange };
    if (line->strange) desk->last_harm_us[DESK_TO_DRIVER] = desk->now_us;
    if (payload) {
        was->offset = line->offset++;
        if (--line->payload == 0) unit_begins(desk, DESK_TO_DRIVER);
        return;
    }
    was->starts = !line->printed;
    if (!line->printed) note_question(desk, unit);
    if (c == '\r' || c == '\n') {
        if (c == '\r' || !line->printed) return;
        if (!inside_echo(&desk->modem)) line->strange = false;
        if (unit->kind == DESK_TEXT || !line->payload) unit_begins(desk, DESK_TO_DRIVER);
        return;
    }
    if (c == ' ' && !line->printed) return;
    if (line->printed < sizeof unit->text - 1) unit->text[line->printed] = (char)c;
    line->printed++;
    if (c == '>' && line->printed == 1) unit_begins(desk, DESK_TO_DRIVER); /* the prompt has no line end */
}

/* The same, to the modem. */
static void note_byte_of_driver(desk_t *desk, uint8_t c, bool payload)
{
    desk_line_t *line = &desk->line[DESK_TO_MODEM];
    desk_unit_t *unit = desk_unit(desk, DESK_TO_MODEM, line->unit);
    if (!payload && line->printed && (line->offset > 0 || line->tail[sizeof line->tail - 2] == '\n'))
        unit = unit_begins(desk, DESK_TO_MODEM);
    if (!line->printed) line->offset = 0;
    if (!line->printed && desk->driver.command == COMMAND_SEND) {
        unit->kind = DESK_PIECE;
        unit->link = desk->driver.link;
        unit->n = desk->driver.amount;
        unit->at_us = desk->now_us;
        if (desk->options.begins) desk->options.begins(desk, DESK_TO_MODEM, line->unit);
    }
    if (!payload && line->printed < sizeof unit->text - 1) unit->text[line->printed] = (char)c;
    line->printed++;
    line->was[line->sent % DESK_WINDOW] =
        (desk_byte_t){ .unit = line->unit, .offset = payload ? line->offset++ : DESK_NO_OFFSET, .value = c };
}

/* ---- Faults ------------------------------------------------------------------------------------------------------ */

void desk_harm_at(desk_t *desk, desk_wire_t wire, uint64_t index, desk_harm_t harm)
{
    if (desk->chosen_n == DESK_HARMS_MAX) {
        fail(desk, "too many faults wait");
        return;
    }
    desk->chosen[desk->chosen_n].wire = wire;
    desk->chosen[desk->chosen_n].harm = harm;
    desk->chosen[desk->chosen_n].armed = true;
    desk->chosen[desk->chosen_n++].at = index;
}

void desk_harm_next(desk_t *desk, desk_wire_t wire, const char *text, size_t offset, desk_harm_t harm)
{
    desk_harm_at(desk, wire, 0, harm);
    if (desk->error[0] || !desk->chosen_n) return;
    desk->chosen[desk->chosen_n - 1].armed = false;
    desk->chosen[desk->chosen_n - 1].offset = offset;
    snprintf(desk->chosen[desk->chosen_n - 1].text, sizeof desk->chosen[0].text, "%s", text);
}

/* Behind each byte that was sent: has a chosen text passed? */
static void look_for_texts(desk_t *desk, desk_wire_t wire)
{
    desk_line_t *line = &desk->line[wire];
    for (size_t i = 0; i < desk->chosen_n; i++) {
        size_t n = strlen(desk->chosen[i].text);
        if (desk->chosen[i].wire != wire || desk->chosen[i].armed) continue;
        if (memcmp(line->tail + sizeof line->tail - 1 - n, desk->chosen[i].text, n) != 0) continue;
        desk->chosen[i].armed = true;
        desk->chosen[i].at = line->sent - n + desk->chosen[i].offset;
        if (desk->chosen[i].at < line->arrived) fail(desk, "too late to harm \"%s\"", desk->chosen[i].text);
    }
}

/* The fault that hits byte `index` of a wire, or DESK_HARMS. */
static desk_harm_t harm_of(desk_t *desk, desk_wire_t wire, uint64_t index)
{
    for (size_t i = 0; i < desk->chosen_n; i++)
        if (desk->chosen[i].wire == wire && desk->chosen[i].armed && desk->chosen[i].at == index) {
            desk_harm_t harm = desk->chosen[i].harm;
            desk->chosen[i] = desk->chosen[--desk->chosen_n];
            return harm;
        }
    for (int harm = 0; harm < DESK_HARMS; harm++) {
        uint32_t every = desk->options.every[wire][harm];
        if (every && desk_random(desk) % every == 0) return (desk_harm_t)harm;
    }
    return DESK_HARMS;
}

/* A fault hits byte `index` of a wire, which becomes `k` bytes. */
static void touch(desk_t *desk, desk_wire_t wire, uint64_t index, size_t k)
{
    const desk_byte_t *was = &desk->line[wire].was[index % DESK_WINDOW];
    desk_unit_t       *unit = desk_unit(desk, wire, was->unit);
    unit->touched = true;
    unit->head = unit->head || was->offset == DESK_NO_OFFSET;
    unit->lost = (uint16_t)(unit->lost + (k == 0));
    unit->added = (uint16_t)(unit->added + (k == 2));
    desk->last_harm_us[wire] = desk->now_us;
}

/* What one byte becomes: `out` has room for two. Returns how many. */
static size_t pass_faults(desk_t *desk, desk_wire_t wire, uint64_t index, uint8_t c, uint8_t out[2])
{
    desk_line_t *line = &desk->line[wire];
    desk_harm_t  harm = line->losing || line->garbling ? DESK_HARMS : harm_of(desk, wire, index);
    if (harm == DESK_BURST) line->losing = 1 + (uint32_t)(desk_random(desk) % BURST);
    if (harm == DESK_GARBLE) line->garbling = 1 + (uint32_t)(desk_random(desk) % BURST);
    if (harm != DESK_HARMS) {
        static const char *const names[] = { "flip", "drop", "insert", "burst", "garble" };
        desk->harms[wire][harm]++;
        if (desk->options.trace) {
            trace_begins(desk, wire == DESK_TO_DRIVER ? "<!" : ">!");
            fprintf(desk->options.trace, "%s at byte %llu\n", names[harm], (unsigned long long)index);
        }
    }
    if (harm == DESK_HARMS && !line->losing && !line->garbling) {
        out[0] = c;
        return 1;
    }
    size_t k = line->losing || harm == DESK_DROP ? 0 : line->garbling || harm == DESK_FLIP ? 1 : 2;
    touch(desk, wire, index, k);
    if (line->losing) line->losing--;
    if (k == 0) return 0;
    if (line->garbling) {
        line->garbling--;
        out[0] = (uint8_t)desk_random(desk);
        return 1;
    }
    out[0] = (uint8_t)(harm == DESK_FLIP ? c ^ 1u << desk_random(desk) % 8 : desk_random(desk));
    out[1] = c;
    return k;
}

/* ---- Wires ------------------------------------------------------------------------------------------------------- */

static void put(desk_t *desk, desk_wire_t wire, const uint8_t *bytes, size_t n, bool payload)
{
    desk_line_t *line = &desk->line[wire];
    uart_side_t  from = wire == DESK_TO_DRIVER ? UART_MODEM : UART_FAR;
    trace_bytes(desk, wire == DESK_TO_DRIVER ? payload ? "<=" : "<-" : payload ? ">=" : "->", bytes, n);
    if (desk->unplugged) return;
    for (size_t i = 0; i < n; i++) {
        if (wire == DESK_TO_DRIVER)
            note_byte_of_modem(desk, bytes[i], payload);
        else
            note_byte_of_driver(desk, bytes[i], payload);
        memmove(line->tail, line->tail + 1, sizeof line->tail - 2);
        line->tail[sizeof line->tail - 2] = (char)bytes[i];
        line->sent++;
        look_for_texts(desk, wire);
    }
    if (uart_put(&desk->uart, desk->now_us, from, bytes, n) != n) fail(desk, "the wire is full");
}

/* How many more bytes may wait behind this end: its FIFO is `depth` deep. */
static size_t ahead(const desk_t *desk, uart_side_t side, size_t depth)
{
    uint64_t sent_us = uart_sent_at(&desk->uart, side), baud = uart_line(&desk->uart, side).baud;
    uint64_t waiting = sent_us > desk->now_us ? ((sent_us - desk->now_us) * baud + 9999999) / 10000000 : 0;
    return waiting < depth ? depth - (size_t)waiting : 0;
}

/* So near that both ends read the same: a garbled AT+UART can make 230408 baud of 230400, or 55600 of 57600. A byte is read
 * right up to 5 %, half a bit in its 10. */
static bool same_rate(const desk_t *desk)
{
    uint32_t modem = uart_line(&desk->uart, UART_MODEM).baud, far = uart_line(&desk->uart, UART_FAR).baud;
    return (modem > far ? modem - far : far - modem) <= far / 25;
}

/* Index of the sent byte that this arriving one is. */
static uint64_t arrives(desk_t *desk, desk_wire_t wire)
{
    desk_line_t *line = &desk->line[wire];
    return line->straight ? line->arrived++ : DESK_NO_INDEX;
}

static void ring_add(desk_t *desk, uint8_t c, uint64_t index)
{
    if (desk->ring.n == desk->options.receive) {
        desk->ring.fault = true;
        desk->overruns[DESK_TO_DRIVER]++;
        desk->last_harm_us[DESK_TO_DRIVER] = desk->now_us;
        if (index != DESK_NO_INDEX) touch(desk, DESK_TO_DRIVER, index, 0);
        return;
    }
    desk->ring.bytes[desk->ring.n] = c;
    desk->ring.index[desk->ring.n++] = index;
}

static void hold(desk_t *desk, uint8_t c, uint64_t index)
{
    if (desk->held_n < DESK_HELD)
        desk->held[desk->held_n++] = (desk_arrival_t){ .index = index, .value = c };
    else {
        desk->overruns[DESK_TO_MODEM]++;
        desk->last_harm_us[DESK_TO_MODEM] = desk->now_us;
    }
}

/* What the UARTs have received goes through the faults into the rings. */
static void receive(desk_t *desk, desk_wire_t wire)
{
    uart_side_t  side = wire == DESK_TO_DRIVER ? UART_FAR : UART_MODEM;
    desk_line_t *line = &desk->line[wire];
    uint8_t      bytes[256], out[2];
    size_t       n;
    while ((n = uart_get(&desk->uart, desk->now_us, side, bytes, sizeof bytes)) > 0)
        for (size_t i = 0; i < n; i++) {
            uint64_t index = arrives(desk, wire);
            size_t   k = 1;
            out[0] = bytes[i];
            if (index != DESK_NO_INDEX)
                k = pass_faults(desk, wire, index, bytes[i], out);
            else
                desk->last_harm_us[wire] = desk->now_us;
            for (size_t j = 0; j < k; j++)
                (wire == DESK_TO_DRIVER ? ring_add : hold)(desk, out[j], k == 2 && j == 0 ? DESK_NO_INDEX : index);
        }
    /* Between two bytes, with both ends at one rate, counting begins anew. */
    uart_side_t from = side == UART_FAR ? UART_MODEM : UART_FAR;
    if (!line->straight && same_rate(desk) && uart_sent_at(&desk->uart, from) <= desk->now_us) {
        line->straight = true;
        line->arrived = line->sent;
    }
}

/* A rate changes: what is on the wire now may be read wrongly. */
static void set_line(desk_t *desk, uart_side_t side, const cipmux_line_t *to)
{
    uart_set_line(&desk->uart, desk->now_us, side, to);
    for (int wire = 0; wire < DESK_WIRES; wire++) {
        desk_line_t *line = &desk->line[wire];
        receive(desk, (desk_wire_t)wire);
        if (line->arrived == line->sent && same_rate(desk)) continue;
        line->straight = false;
        desk->last_harm_us[wire] = desk->now_us;
        for (uint64_t i = line->arrived; i < line->sent; i++)
            touch(desk, (desk_wire_t)wire, i, 0);
    }
}

/* ---- The modem's side -------------------------------------------------------------------------------------------- */

static bool serve_requests(desk_t *desk)
{
    cipmux_request_t request;
    bool             moved = false;
    while (cipmux_request(&desk->modem, desk->now_us, &request)) {
        moved = true;
        if (request.kind == CIPMUX_REQUEST_LINE) {
            desk->line_asked = true;
            desk->next_line = request.line;
        } else
            world_request(&desk->world, desk->now_us, &request);
    }
    if (desk->line_asked && uart_sent_at(&desk->uart, UART_MODEM) <= desk->now_us) {
        desk->line_asked = false;
        desk->world.line = desk->next_line;
        set_line(desk, UART_MODEM, &desk->next_line);
        if (desk->options.trace) {
            trace_begins(desk, "##");
            fprintf(desk->options.trace, "modem at %lu baud\n", (unsigned long)desk->next_line.baud);
        }
        cipmux_event(&desk->modem, desk->now_us, &(cipmux_event_t){ .kind = CIPMUX_EVENT_LINE_SET }, NULL);
        moved = true;
    }
    return moved;
}

/* How many bytes the modem's UART takes from it now. */
static size_t modem_may_put(const desk_t *desk)
{
    size_t room = ahead(desk, UART_MODEM, MODEM_AHEAD);
    if (cipmux_line(&desk->modem).flow & 2) { /* the program's RTS */
        size_t under_way = (size_t)(desk->line[DESK_TO_DRIVER].sent - desk->line[DESK_TO_DRIVER].arrived);
        size_t full = desk->ring.n + under_way;
        size_t left = full < desk->options.receive ? desk->options.receive - full : 0;
        room = left < room ? left : room;
    }
    return desk->world.uart_stopped ? 0 : room;
}

static bool offer(desk_t *desk)
{
    bool pulled = desk->world.pins.reset, moved = world_offer(&desk->world, desk->now_us);
    if (pulled && !desk->world.pins.reset) cut(desk);
    return moved;
}

/* A byte of a command, or of payload, that the modem has read. Payload of which one is missing takes some of what follows; what
 * is too much is read as a command. */
static void note_heard(desk_t *desk, desk_arrival_t arrival, bool payload)
{
    if (arrival.index == DESK_NO_INDEX)
        desk->heard.hurt = true;
    else {
        const desk_byte_t *was = desk_sent(desk, DESK_TO_MODEM, arrival.index);
        bool changed = !payload && was->value != arrival.value, misread = payload != (was->offset != DESK_NO_OFFSET);
        bool rest =
            !payload && desk->heard.begins && was->unit == desk->heard.unit; /* of a command that was cut in two */
        if (arrival.index != desk->heard.next || changed || misread || rest) desk->heard.hurt = true;
        desk->heard.next = arrival.index + 1;
        desk->heard.at = was->unit;
    }
    desk->heard.begins = !payload && arrival.value == '\n';
    if (!desk->heard.begins) return;
    desk->heard.unit = desk->heard.at;
    desk->heard.wrong = desk->heard.hurt;
    desk->heard.hurt = false;
}

/* The modem reads what it has received, and we see what it takes for payload. */
static size_t modem_reads(desk_t *desk)
{
    size_t taken = 0;
    while (taken < desk->held_n) {
        inside_send_t before = inside_send(&desk->modem);
        if (!cipmux_sink(&desk->modem, desk->now_us, &desk->held[taken].value, 1)) break;
        inside_send_t after = inside_send(&desk->modem);
        if (before.open && before.taken == 0) desk->collected_n = 0;
        if (before.open && after.taken == before.taken + 1) desk->collected[desk->collected_n++] = desk->held[taken];
        note_heard(desk, desk->held[taken], before.open);
        if (before.open && !after.open && desk->options.collected)
            desk->options.collected(desk, peer_of(desk, after.link), desk->collected, desk->collected_n);
        taken++;
    }
    memmove(desk->held, desk->held + taken, (desk->held_n - taken) * sizeof desk->held[0]);
    desk->held_n -= taken;
    return taken;
}

/* What the modem prints goes onto the wire, each run of text or of payload by itself. */
static size_t modem_prints(desk_t *desk)
{
    desk_line_t *line = &desk->line[DESK_TO_DRIVER];
    uint8_t      out[MODEM_AHEAD];
    size_t       n = 0, run = 0, room = modem_may_put(desk);
    bool         payload = false;
    while (n < room) {
        inside_frame_t before = inside_frame(&desk->modem);
        if (line->payload && (!before.open || before.left != line->payload - (payload ? n - run : 0))) {
            put(desk, DESK_TO_DRIVER, out + run, n - run, payload);
            cut(desk);
            run = n;
        }
        if (!cipmux_poll(&desk->modem, desk->now_us, out + n, 1)) break;
        inside_frame_t after = inside_frame(&desk->modem);
        bool           begins = !before.open && after.open;
        bool           pays = before.open && before.left && (!after.open || after.left != before.left);
        if (begins || pays != payload) {
            put(desk, DESK_TO_DRIVER, out + run, n - run, payload);
            run = n;
            payload = pays;
        }
        if (begins && after.left) frame_begins(desk, &after);
        n++;
        if (before.open && !after.open) break; /* a command that waits for room is read before the next frame */
    }
    put(desk, DESK_TO_DRIVER, out + run, n - run, payload);
    return n;
}

static bool turn_modem(desk_t *desk)
{
    cipmux_note_t note;
    bool          moved = modem_reads(desk) > 0;
    moved = serve_requests(desk) || moved;
    moved = offer(desk) || moved;
    while (cipmux_note(&desk->modem, &note))
        if (desk->options.trace) {
            trace_begins(desk, "##");
            fprintf(desk->options.trace, "%s\n", cipmux_reason_id(note.reason));
        }
    size_t n = modem_prints(desk);
    if (desk->options.network) moved = desk->options.network(desk) || moved;
    uint64_t due_us = cipmux_deadline(&desk->modem);
    if (due_us <= desk->now_us) {
        cipmux_tick(&desk->modem, desk->now_us);
        moved = moved || cipmux_deadline(&desk->modem) != due_us;
    }
    return moved || n > 0;
}

/* ---- The program's side ------------------------------------------------------------------------------------------ */

static uint16_t handle(cipdrv_t *driver, uint8_t event, uint8_t link, void *data, uint16_t n)
{
    desk_t  *desk = (desk_t *)driver;
    uint16_t answer = event == CIPDRV_RECEIVED || event == CIPDRV_ROOM ? n : 0;
    desk->told++;
    if (event == CIPDRV_RATE) desk->rate = n * 100u;
    if (event != CIPDRV_RECEIVED && event != CIPDRV_ROOM && event != CIPDRV_FILL)
        desk->event[desk->events++ % DESK_EVENTS] =
            (desk_event_t){ .at_us = desk->now_us, .n = n, .event = event, .link = link };
    if (event != CIPDRV_RECEIVED && event != CIPDRV_ROOM && event != CIPDRV_FILL) trace_event(desk, event, link, n, 0);
    if (desk->options.program) answer = desk->options.program(desk, event, link, data, n);
    if (event == CIPDRV_RECEIVED || event == CIPDRV_ROOM) trace_event(desk, event, link, n, answer);
    return answer;
}

const desk_byte_t *desk_sent(const desk_t *desk, desk_wire_t wire, uint64_t index)
{
    return index == DESK_NO_INDEX ? NULL : &desk->line[wire].was[index % DESK_WINDOW];
}

desk_arrival_t desk_arrival(const desk_t *desk, const void *data, uint16_t i)
{
    size_t at = (size_t)((const uint8_t *)data - desk->ring.bytes) + i;
    return (desk_arrival_t){ .index = desk->ring.index[at], .value = desk->ring.bytes[at] };
}

/* The rate that the driver wanted, once the transmitter has emptied. */
static bool rate_is_set(desk_t *desk)
{
    cipmux_line_t line = uart_line(&desk->uart, UART_FAR);
    if (!desk->rate) return true;
    if (uart_sent_at(&desk->uart, UART_FAR) > desk->now_us) return false;
    line.baud = desk->rate;
    desk->rate = 0;
    set_line(desk, UART_FAR, &line);
    return true;
}

static bool poll_driver(desk_t *desk)
{
    uint8_t out[DESK_RING_MAX];
    size_t  room = ahead(desk, UART_FAR, desk->options.transmit);
    if (cipmux_line(&desk->modem).flow & 1) { /* the modem's RTS: it stops before its FIFO is full */
        size_t in_air = (size_t)(desk->line[DESK_TO_MODEM].sent - desk->line[DESK_TO_MODEM].arrived);
        size_t left = desk->held_n + in_air < DESK_HELD / 2 ? DESK_HELD / 2 - desk->held_n - in_air : 0;
        room = left < room ? left : room;
    }
    uint16_t n = cipdrv_poll(&desk->driver, ticks(desk), out, (uint16_t)room);
    uint8_t  stage = desk->driver.stage;
    put(desk, DESK_TO_MODEM, out, n, stage == STAGE_PAYLOAD || stage == STAGE_RESULT);
    return n > 0;
}

/* The driver takes what it can of the ring: all at once, or so that somebody sees each byte. */
static size_t driver_reads(desk_t *desk)
{
    desk->ring.at = 0;
    while (desk->ring.at < desk->ring.n) {
        size_t at = desk->ring.at, n = desk->ring.n - at;
        if (desk->options.reads) {
            size_t most = desk->driver.reading == READING_FRAME ? desk->driver.value : 1;
            n = n < most ? n : most;
            desk->options.reads(desk, desk->ring.bytes + at, n);
        }
        uint16_t taken = cipdrv_sink(&desk->driver, ticks(desk), desk->ring.bytes + at, (uint16_t)n);
        desk->ring.at += taken;
        if (desk->options.has_read) desk->options.has_read(desk, desk->ring.bytes + at, taken);
        if (taken < n) break;
    }
    size_t taken = desk->ring.at;
    desk->ring.at = 0;
    desk->ring.n -= taken;
    memmove(desk->ring.bytes, desk->ring.bytes + taken, desk->ring.n);
    memmove(desk->ring.index, desk->ring.index + taken, desk->ring.n * sizeof desk->ring.index[0]);
    return taken;
}

/* One turn of the main loop. */
static bool turn_loop(desk_t *desk)
{
    bool     moved = false;
    uint64_t told = desk->told;
    desk->loop_us = desk->now_us;
    desk->loops++;
    desk->asked = false;
    if (!rate_is_set(desk)) return false;
    if (desk->ring.fault) {
        desk->ring.fault = false;
        cipdrv_fault(&desk->driver);
    }
    moved = driver_reads(desk) > 0;
    moved = poll_driver(desk) || moved;
    desk->asked = desk->told != told;
    return moved;
}

/* ---- The clock --------------------------------------------------------------------------------------------------- */

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* When the main loop has something to do next. */
static uint64_t loop_deadline(const desk_t *desk)
{
    uint64_t next_us = desk->loop_us + desk->options.period_us;
    bool     flying =
        uart_sent_at(&desk->uart, UART_MODEM) > desk->loop_us || uart_sent_at(&desk->uart, UART_FAR) > desk->loop_us;
    if (desk->program_stopped) return CIPMUX_NEVER;
    if (flying || desk->ring.n || desk->rate || desk->ring.fault || desk->asked) return next_us;
    uint16_t left = cipdrv_deadline(&desk->driver);
    uint64_t due_us = (desk->loop_us / 4000 + left) * 4000; /* of a clock with ticks of 4 ms */
    return due_us > next_us ? due_us : next_us;
}

static uint64_t next_deadline(const desk_t *desk)
{
    uint64_t next_us = loop_deadline(desk), modem_us = cipmux_deadline(&desk->modem);
    uint64_t sent_us = uart_sent_at(&desk->uart, UART_MODEM);
    if (modem_us > desk->now_us) next_us = sooner(next_us, modem_us);
    if (desk->line_asked && sent_us > desk->now_us) next_us = sooner(next_us, sent_us);
    if (desk->program_stopped && sent_us > desk->now_us) next_us = sooner(next_us, sent_us);
    return sooner(next_us, world_deadline(&desk->world, desk->now_us));
}

/* All that happens at this instant. */
static void settle(desk_t *desk)
{
    bool moved = true;
    for (int rounds = 0; moved && !desk->error[0]; rounds++) {
        receive(desk, DESK_TO_MODEM);
        receive(desk, DESK_TO_DRIVER);
        moved = turn_modem(desk);
        if (rounds > ROUNDS_MAX) fail(desk, "the modem and the world never come to rest");
    }
    if (world_fault(&desk->world)[0]) fail(desk, "%s", world_fault(&desk->world));
}

/* To the next thing that happens, not beyond `limit_us`. */
static void step(desk_t *desk, uint64_t limit_us)
{
    uint64_t next_us = sooner(next_deadline(desk), limit_us);
    if (next_us > desk->now_us) desk->now_us = next_us;
    desk->steps++;
    cipmux_tick(&desk->modem, desk->now_us);
    settle(desk);
    if (loop_deadline(desk) <= desk->now_us && turn_loop(desk)) settle(desk);
}

void desk_run(desk_t *desk, uint64_t us)
{
    uint64_t until_us = desk->now_us + us;
    desk->asked = true;
    while (desk->now_us < until_us && !desk->error[0])
        step(desk, until_us);
}

bool desk_until(desk_t *desk, bool (*done)(desk_t *desk), uint64_t limit_us)
{
    uint64_t until_us = desk->now_us + limit_us;
    desk->asked = true;
    while (!done(desk)) {
        if (desk->now_us >= until_us || desk->error[0]) return false;
        step(desk, until_us);
    }
    return true;
}

const desk_event_t *desk_await(desk_t *desk, uint8_t event, uint8_t link, uint64_t limit_us)
{
    uint64_t until_us = desk->now_us + limit_us;
    desk->asked = true;
    for (;;) {
        while (desk->awaited < desk->events) {
            const desk_event_t *told = &desk->event[desk->awaited++ % DESK_EVENTS];
            if (told->event == event && (link == DESK_ANY || told->link == link)) return told;
        }
        if (desk->now_us >= until_us || desk->error[0]) return NULL;
        step(desk, until_us);
    }
}

void desk_forget(desk_t *desk)
{
    desk->awaited = desk->events;
}

/* ---- Making a desk ----------------------------------------------------------------------------------------------- */

desk_options_t desk_options(const char *dialect)
{
    desk_options_t options = { .dialect = dialect, .seed = 1, .period_us = 1000, .receive = 128, .transmit = 64 };
    options.driver.rate = 1152;
    return options;
}

void desk_start(desk_t *desk, const desk_options_t *options)
{
    desk_unit_t(*units)[DESK_UNITS] = desk->unit;
    memset(desk, 0, offsetof(desk_t, modem));
    memset(&desk->line, 0, offsetof(desk_t, unit) - offsetof(desk_t, line));
    memset(&desk->event, 0, sizeof *desk - offsetof(desk_t, event));
    memset(&units[0][0], 0, sizeof units[0][0]);
    memset(&units[1][0], 0, sizeof units[1][0]);
    desk->options = *options;
    desk->options.driver.handler = handle;
    desk->random = options->seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    desk->now_us = desk->loop_us = DESK_SECOND;
    if (!cipmux_config(&desk->modem_config, options->dialect)) fail(desk, "no dialect \"%s\"", options->dialect);
    if (options->real) cipmux_config_timing(&desk->modem_config, true);
    cipmux_power_on(&desk->modem, &desk->modem_config, desk->now_us);
    world_init(&desk->world, &desk->modem);
    uart_init(&desk->uart, desk->now_us);
    for (int side = 0; side < UART_SIDES; side++)
        uart_set_depth(&desk->uart, (uart_side_t)side, UART_FIFO_MAX);
    for (int wire = 0; wire < DESK_WIRES; wire++) {
        desk->line[wire].straight = true;
        unit_begins(desk, (desk_wire_t)wire);
    }
    cipdrv_start(&desk->driver, &desk->options.driver, ticks(desk));
}

void desk_restart_driver(desk_t *desk)
{
    cipdrv_start(&desk->driver, &desk->options.driver, ticks(desk));
}

bool desk_say(desk_t *desk, const char *format, ...)
{
    char    line[512], error[200];
    va_list list;
    va_start(list, format);
    vsnprintf(line, sizeof line, format, list); /* NOLINT(clang-analyzer-valist.Uninitialized) */
    va_end(list);
    if (desk->options.trace) {
        trace_begins(desk, "!!");
        fprintf(desk->options.trace, "%s\n", line);
    }
    if (world_say(&desk->world, desk->now_us, line, error, sizeof error)) return true;
    fail(desk, "%s: %s", line, error);
    return false;
}

bool desk_type(desk_t *desk, const char *text, const char *end)
{
    char     said[4096];
    size_t   n = 0;
    uint64_t until_us = desk->now_us + 60 * DESK_SECOND;
    while (!n || !strstr(said, end)) {
        size_t taken = cipmux_sink(&desk->modem, desk->now_us, text, strlen(text));
        text += taken;
        bool moved = serve_requests(desk) || taken > 0;
        moved = world_offer(&desk->world, desk->now_us) || moved;
        size_t k = cipmux_poll(&desk->modem, desk->now_us, said + n, sizeof said - 1 - n);
        for (size_t i = n; i < n + k; i++) /* for strstr() */
            if (!said[i]) said[i] = '.';
        n += k;
        said[n] = '\0';
        if (moved || k) continue;
        desk->now_us = sooner(cipmux_deadline(&desk->modem), world_deadline(&desk->world, desk->now_us));
        if (desk->now_us > until_us) {
            desk->now_us = until_us;
            fail(desk, "nobody says \"%s\"", end);
            return false;
        }
        cipmux_tick(&desk->modem, desk->now_us);
    }
    return true;
}

void desk_print(desk_t *desk, const void *bytes, size_t n)
{
    put(desk, DESK_TO_DRIVER, bytes, n, false);
}
