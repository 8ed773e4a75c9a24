/* Bytes between modem and port. See wire.h. */
#include "board.h"

#include <stdlib.h>
#include <string.h>

enum { WIRE_PIECE = 1024, WIRE_AGAIN_US = 1000 };

/* ---- Rates ------------------------------------------------------------------------------------------------------- */

static bool same_format(const cipmux_line_t *a, const cipmux_line_t *b)
{
    return a->data_bits == b->data_bits && a->parity == b->parity;
}

/* A receiver bears 3 %: a divisor seldom gives the very rate. */
static bool near_rate(const cipmux_line_t *a, const cipmux_line_t *b)
{
    uint32_t more = a->baud > b->baud ? a->baud : b->baud, less = a->baud > b->baud ? b->baud : a->baud;
    return (uint64_t)(more - less) * 100 <= (uint64_t)more * 3;
}

/* Understand each other: the number of stop bits does not matter for that. */
static bool understand(const cipmux_line_t *a, const cipmux_line_t *b)
{
    return near_rate(a, b) && same_format(a, b);
}

static void note_difference(board_t *board, const cipmux_line_t *far, const cipmux_line_t *modem)
{
    log_record_t record = { .event = "line", .reason = host_reason_id(HOST_REASON_RATE_DIFFERS) };
    board_noted(board, HOST_REASON_RATE_DIFFERS);
    if (!near_rate(far, modem))
        board_log(board, &record, "the program set %lu, the modem runs at %lu", (unsigned long)far->baud,
                  (unsigned long)modem->baud);
    else
        board_log(board, &record, "the program set %u data bits, parity %u; the modem %u, %u", (unsigned)far->data_bits,
                  (unsigned)far->parity, (unsigned)modem->data_bits, (unsigned)modem->parity);
}

/* How the far side's end of the line runs now: its own way, or as the modem does. */
static void look_at_far_line(board_t *board, uint64_t now_us)
{
    wire_t       *wire = &board->wire;
    port_t       *port = board->port;
    cipmux_line_t modem = wire->line, far = modem;
    bool          known = port->open && port->kind->far_line && port->kind->far_line(port, &far);
    bool          differs = known && !understand(&far, &modem);
    bool changed = far.baud != wire->far.baud || !same_format(&far, &wire->far) || far.stop_bits != wire->far.stop_bits;
    wire->far = far;
    if (wire->serial && changed) serial_set_far(wire->serial, now_us, &far);
    if (differs && (!wire->differs || changed)) note_difference(board, &far, &modem);
    wire->differs = differs;
}

void wire_set_line(board_t *board, const cipmux_request_t *request)
{
    board->wire.line_asked = true;
    board->wire.next = request->line;
    board->wire.next_is_rom = request->kind == CIPMUX_REQUEST_ROM_LINE;
}

/* Bytes that pass at once have a wire of their own while the ROM talks: its time is only that of the bits. False: no
 * memory, so the ROM is heard in clear. */
static bool rom_begins(board_t *board)
{
    wire_t *wire = &board->wire;
    if (!wire->aside) wire->aside = malloc(sizeof *wire->aside);
    if (!wire->aside) return false;
    uart_init(wire->aside, 0);
    uart_set_depth(wire->aside, UART_FAR, UART_FIFO_MAX);
    uart_set_line(wire->aside, 0, UART_MODEM, &wire->next);
    look_at_far_line(board, 0);
    uart_set_line(wire->aside, 0, UART_FAR, &wire->far);
    return true;
}

/* What the far side read meanwhile; the wire goes when all of it was taken. */
static size_t take_noise(wire_t *wire, uint8_t *out, size_t room)
{
    enum { LONGEST_CHARACTER_US = 1000000 };
    uint64_t over_us = uart_sent_at(wire->aside, UART_MODEM) + LONGEST_CHARACTER_US;
    size_t   n = uart_get(wire->aside, over_us, UART_FAR, out, room);
    if (n < room) {
        free(wire->aside);
        wire->aside = NULL;
    }
    return n;
}

/* Everything printed at the old rate has left. */
static bool old_rate_is_over(board_t *board, uint64_t now_us)
{
    wire_t *wire = &board->wire;
    port_t *port = board->port;
    if (wire->serial && uart_sent_at(&wire->serial->uart, UART_MODEM) > now_us) return false;
    if (board->faults && !faults_is_empty(board->faults, FAULTS_PRINTED)) return false;
    if (!port->open) return true;
    port->kind->flush(port);
    return port->out_first == port->out_end;
}

static bool switch_line(board_t *board, uint64_t now_us)
{
    wire_t              *wire = &board->wire;
    const cipmux_line_t *line = &wire->next;
    cipmux_event_t       event = { .kind = CIPMUX_EVENT_LINE_SET };
    if (!wire->line_asked || !old_rate_is_over(board, now_us)) return false;
    wire->rom_talks = false;
    if (wire->aside) return false; /* the noise is to be taken first */
    if (board->port->kind->set_line && !board->port->kind->set_line(board->port, line)) return false;
    wire->line_asked = false;
    if (wire->serial) serial_switch(wire->serial, now_us, &board->modem);
    if (wire->next_is_rom) {
        wire->rom_talks = !wire->serial && !board->port->kind->set_line && rom_begins(board);
        cipmux_event(&board->modem, now_us, &event, NULL);
        return true;
    }
    wire->line = *line;
    board_log(board, &(log_record_t){ .event = "line" }, "%lu,%u,%u,%u,%u", (unsigned long)line->baud,
              (unsigned)line->data_bits, (unsigned)line->stop_bits, (unsigned)line->parity, (unsigned)line->flow);
    cipmux_event(&board->modem, now_us, &event, NULL);
    return true;
}

/* ---- To the modem ------------------------------------------------------------------------------------------------ */

static size_t bring(board_t *board, uint64_t now_us, const uint8_t *bytes, size_t n)
{
    board_settle(board, now_us);
    n = board->wire.serial ? serial_type(board->wire.serial, now_us, &board->modem, bytes, n)
                           : cipmux_sink(&board->modem, now_us, bytes, n);
    record_typed(board->record, now_us, bytes, n);
    return n;
}

/* Everything from the port has been taken. */
static bool is_taken(const board_t *board, uint64_t now_us)
{
    if (board->faults && !faults_is_empty(board->faults, FAULTS_TYPED)) return false;
    return !board->wire.serial || serial_is_taken(board->wire.serial, now_us);
}

/* What the port has for the modem. A port that looks at the modem's phase must not run ahead of it: its next piece goes when
 * the last one is there. */
static size_t peek_port(board_t *board, uint64_t now_us, const uint8_t **bytes)
{
    if (board->port->kind->ready && !is_taken(board, now_us)) return 0;
    size_t n = port_peek(board->port, cipmux_phase(&board->modem), cipmux_collecting(&board->modem), bytes);
    if (n > 0) look_at_far_line(board, now_us);
    return n;
}

/* Through the faults of the line. */
static bool feed_faulty(board_t *board, uint64_t now_us)
{
    const uint8_t *bytes;
    size_t         room, n = peek_port(board, now_us, &bytes), put = 0;
    while (put < n && (room = faults_room(board->faults, FAULTS_TYPED)) > 0) {
        if (room > n - put) room = n - put;
        faults_put(board->faults, now_us, FAULTS_TYPED, bytes + put, room);
        put += room;
    }
    if (put > 0) port_taken(board->port, put);
    if (put == n) faults_quiet(board->faults, now_us, FAULTS_TYPED);
    n = faults_peek(board->faults, now_us, FAULTS_TYPED, &bytes);
    n = n > 0 ? bring(board, now_us, bytes, n) : 0;
    faults_taken(board->faults, FAULTS_TYPED, n);
    return put > 0 || n > 0;
}

static bool feed(board_t *board, uint64_t now_us)
{
    const uint8_t *bytes;
    if (board->faults) return feed_faulty(board, now_us);
    size_t n = peek_port(board, now_us, &bytes);
    if (n == 0) return false;
    n = bring(board, now_us, bytes, n);
    port_taken(board->port, n);
    return n > 0;
}

static void note_lost(board_t *board, uint64_t now_us)
{
    wire_t  *wire = &board->wire;
    uint64_t lost = serial_lost(wire->serial, now_us);
    for (; wire->lost < lost; wire->lost++)
        board_log_reason(board, (log_record_t){ .event = "note" }, HOST_REASON_MODEM_OVERRUN);
}

/* ---- From the modem ---------------------------------------------------------------------------------------------- */

/* What the modem's end of the UART has for the line. */
static size_t take_printed(board_t *board, uint64_t now_us, uint8_t *out, size_t room)
{
    wire_t *wire = &board->wire;
    if (wire->aside && !wire->rom_talks) {
        size_t n = take_noise(wire, out, room);
        record_printed(board->record, now_us, out, n);
        return n;
    }
    if (wire->rom_talks) {
        uint8_t said[WIRE_PIECE];
        size_t  n = cipmux_poll(&board->modem, now_us, said, sizeof said);
        uart_put(wire->aside, 0, UART_MODEM, said, n);
        if (n > 0) board_wake(board); /* the modem goes on */
        return 0;
    }
    if (wire->serial) {
        size_t n = serial_read(wire->serial, now_us, out, room);
        record_printed(board->record, now_us, out, n);
        return n;
    }
    if (!board->record) return cipmux_poll(&board->modem, now_us, out, room);
    record_settle(board->record, now_us);
    return record_read(board->record, out, room);
}

/* What comes out of the line at the far side. */
static size_t take_output(board_t *board, uint64_t now_us, uint8_t *out, size_t capacity)
{
    faults_t      *faults = board->faults;
    const uint8_t *bytes;
    uint8_t        piece[WIRE_PIECE];
    size_t         room, n = 0;
    if (!faults) return take_printed(board, now_us, out, capacity);
    while ((room = faults_room(faults, FAULTS_PRINTED)) > 0) {
        n = take_printed(board, now_us, piece, room < sizeof piece ? room : sizeof piece);
        if (n == 0) break;
        faults_put(faults, now_us, FAULTS_PRINTED, piece, n);
    }
    if (room > 0) faults_quiet(faults, now_us, FAULTS_PRINTED);
    n = faults_peek(faults, now_us, FAULTS_PRINTED, &bytes);
    if (n > capacity) n = capacity;
    memcpy(out, bytes, n);
    faults_taken(faults, FAULTS_PRINTED, n);
    return n;
}

/* Bytes for nobody: on a wire they would be gone too. */
static bool drain_unheard(board_t *board, uint64_t now_us)
{
    wire_t *wire = &board->wire;
    uint8_t bytes[WIRE_PIECE];
    size_t  n = take_output(board, now_us, bytes, sizeof bytes);
    wire->unheard += n;
    if (n > 0 && !wire->silence_noted) {
        wire->silence_noted = true;
        board_log_reason(board, (log_record_t){ .event = "note", .level = LOG_DETAIL }, HOST_REASON_NOBODY_LISTENS);
    }
    return n > 0;
}

static bool drain(board_t *board, uint64_t now_us)
{
    uint8_t *out;
    if (!board->port->open) return drain_unheard(board, now_us);
    size_t room = port_room(board->port, &out);
    if (room == 0) return false;
    if (board->wire.serial) look_at_far_line(board, now_us);
    size_t n = take_output(board, now_us, out, room);
    port_put(board->port, n);
    if (n > 0) board->wire.last_output_us = now_us;
    return n > 0;
}

/* ---- For the board ----------------------------------------------------------------------------------------------- */

bool wire_turn(board_t *board, uint64_t now_us, bool wait)
{
    bool moved = false, paced = board->wire.serial != NULL;
    if (paced) moved |= serial_move(board->wire.serial, now_us, &board->modem);
    moved |= drain(board, now_us);
    moved |= switch_line(board, now_us);
    if (!wait) moved |= feed(board, now_us);
    if (paced) note_lost(board, now_us);
    if (board->faults) moved |= board_say_due(board, now_us);
    return moved;
}

uint64_t wire_deadline(const board_t *board, uint64_t now_us)
{
    const wire_t *wire = &board->wire;
    uint64_t      due = wire->line_asked ? now_us + WIRE_AGAIN_US : CIPMUX_NEVER;
    if (board->faults && faults_deadline(board->faults) < due) due = faults_deadline(board->faults);
    if (!wire->serial) return due;
    uint64_t next = serial_deadline(wire->serial, now_us, board->port->kind->ready != NULL);
    return next < due ? next : due;
}

bool wire_is_quiet(board_t *board, uint64_t now_us)
{
    serial_t      *serial = board->wire.serial;
    const uint8_t *bytes;
    cipmux_phase_t phase = cipmux_phase(&board->modem);
    if (!is_taken(board, now_us) || (serial && uart_sent_at(&serial->uart, UART_MODEM) > now_us)) return false;
    if (board->faults && !faults_is_empty(board->faults, FAULTS_PRINTED)) return false;
    return board->port->out_first == board->port->out_end &&
           port_peek(board->port, phase, cipmux_collecting(&board->modem), &bytes) == 0;
}

uint64_t wire_garbled(const board_t *board)
{
    uint64_t sum = 0;
    for (int side = 0; side < UART_SIDES && board->wire.serial; side++) {
        uart_counters_t counters = uart_counters(&board->wire.serial->uart, (uart_side_t)side);
        sum += counters.framing + counters.parity + counters.overruns;
    }
    return sum;
}

void wire_set_cts(board_t *board, bool high)
{
    if (board->wire.serial) board->wire.serial->cts_high = high;
    board_wake(board);
}

void wire_far_side_changed(board_t *board)
{
    board->wire.unheard = 0;
    board->wire.silence_noted = board->wire.differs = false;
}

bool wire_open(board_t *board, wire_pace_t pace)
{
    wire_t *wire = &board->wire;
    *wire = (wire_t){ .line = cipmux_line(&board->modem), .far = cipmux_line(&board->modem) };
    if (pace == WIRE_AT_ONCE) return true;
    wire->serial = malloc(sizeof *wire->serial);
    if (!wire->serial) return false;
    serial_open(wire->serial, board_now(), &board->modem, pace == WIRE_HARDWARE);
    return true;
}

void wire_close(board_t *board)
{
    free(board->wire.serial);
    free(board->wire.aside);
    board->wire.serial = NULL;
    board->wire.aside = NULL;
}
