/* Bytes between modem and port. See wire.h. */
#include "board.h"

#include <stdlib.h>

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
    if (wire->uart && changed) uart_set_line(wire->uart, now_us, UART_FAR, &far);
    if (differs && (!wire->differs || changed)) note_difference(board, &far, &modem);
    wire->differs = differs;
}

void wire_set_line(board_t *board, const cipmux_line_t *line)
{
    board->wire.line_asked = true;
    board->wire.next = *line;
}

/* Everything printed at the old rate has left. */
static bool old_rate_is_over(board_t *board, uint64_t now_us)
{
    wire_t *wire = &board->wire;
    port_t *port = board->port;
    if (wire->uart && uart_sent_at(wire->uart, UART_MODEM) > now_us) return false;
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
    if (board->port->kind->set_line && !board->port->kind->set_line(board->port, line)) return false;
    wire->line_asked = false;
    wire->line = *line;
    if (wire->uart) uart_set_line(wire->uart, now_us, UART_MODEM, line);
    board_log(board, &(log_record_t){ .event = "line" }, "%lu,%u,%u,%u,%u", (unsigned long)line->baud,
              (unsigned)line->data_bits, (unsigned)line->stop_bits, (unsigned)line->parity, (unsigned)line->flow);
    cipmux_event(&board->modem, now_us, &event, NULL);
    return true;
}

/* ---- To the modem ------------------------------------------------------------------------------------------------ */

static bool feed_at_once(board_t *board, uint64_t now_us)
{
    const uint8_t *bytes;
    size_t         n = port_peek(board->port, cipmux_phase(&board->modem), cipmux_collecting(&board->modem), &bytes);
    if (n == 0) return false;
    look_at_far_line(board, now_us);
    size_t taken = cipmux_sink(&board->modem, now_us, bytes, n);
    port_taken(board->port, taken);
    return taken > 0;
}

/* A port that looks at the modem's phase must not run ahead of it: its next piece goes when the last one is there. */
static bool may_put(const board_t *board, uint64_t now_us)
{
    const wire_t *wire = &board->wire;
    return !board->port->kind->ready ||
           (wire->held_first == wire->held_end && uart_sent_at(wire->uart, UART_FAR) <= now_us);
}

static bool put_from_port(board_t *board, uint64_t now_us)
{
    wire_t        *wire = &board->wire;
    const uint8_t *bytes;
    if (!may_put(board, now_us)) return false;
    size_t n = port_peek(board->port, cipmux_phase(&board->modem), cipmux_collecting(&board->modem), &bytes);
    size_t room = uart_room(wire->uart, UART_FAR);
    if (n > room) n = room;
    if (n == 0) return false;
    look_at_far_line(board, now_us);
    n = uart_put(wire->uart, now_us, UART_FAR, bytes, n);
    port_taken(board->port, n);
    return n > 0;
}

/* Takes what has arrived in any case, so that it is over for the line and no deadline any more. */
static bool feed_from_line(board_t *board, uint64_t now_us)
{
    wire_t *wire = &board->wire;
    if (wire->held_first == wire->held_end) wire->held_first = wire->held_end = 0;
    wire->held_end +=
        uart_get(wire->uart, now_us, UART_MODEM, wire->held + wire->held_end, sizeof wire->held - wire->held_end);
    size_t n = wire->held_end - wire->held_first;
    size_t taken = n ? cipmux_sink(&board->modem, now_us, wire->held + wire->held_first, n) : 0;
    wire->held_first += taken;
    return taken > 0;
}

/* ---- From the modem ---------------------------------------------------------------------------------------------- */

/* What the modem's end of the UART has for the far side. */
static size_t take_output(board_t *board, uint64_t now_us, uint8_t *out, size_t room)
{
    wire_t *wire = &board->wire;
    return wire->uart ? uart_get(wire->uart, now_us, UART_FAR, out, room)
                      : cipmux_poll(&board->modem, now_us, out, room);
}

/* With flow control by CTS a character begins only while that is low, so none is put ahead of its time: the next one
 * goes when the last one's stop bit is on the line. */
static size_t room_for_modem(const wire_t *wire, uint64_t now_us)
{
    enum { FLOW_CTS = 2 };
    uint64_t bit_us = 1000000 / wire->line.baud + 1;
    size_t   room = uart_room(wire->uart, UART_MODEM);
    if (!(wire->line.flow & FLOW_CTS)) return room;
    return room > 0 && !wire->cts_high && uart_sent_at(wire->uart, UART_MODEM) <= now_us + bit_us;
}

static bool put_from_modem(board_t *board, uint64_t now_us)
{
    uint8_t bytes[WIRE_PIECE];
    size_t  room = room_for_modem(&board->wire, now_us);
    size_t  n = cipmux_poll(&board->modem, now_us, bytes, room < sizeof bytes ? room : sizeof bytes);
    if (n > 0) uart_put(board->wire.uart, now_us, UART_MODEM, bytes, n);
    return n > 0;
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
    if (board->wire.uart) look_at_far_line(board, now_us);
    size_t n = take_output(board, now_us, out, room);
    port_put(board->port, n);
    if (n > 0) board->wire.last_output_us = now_us;
    return n > 0;
}

/* ---- For the board ----------------------------------------------------------------------------------------------- */

bool wire_turn(board_t *board, uint64_t now_us)
{
    bool moved = false, paced = board->wire.uart != NULL;
    if (paced) moved |= put_from_modem(board, now_us);
    moved |= drain(board, now_us);
    moved |= switch_line(board, now_us);
    if (paced) {
        moved |= feed_from_line(board, now_us);
        moved |= put_from_port(board, now_us);
    } else {
        moved |= feed_at_once(board, now_us);
    }
    return moved;
}

uint64_t wire_deadline(const board_t *board, uint64_t now_us)
{
    const wire_t *wire = &board->wire;
    uint64_t      due = wire->line_asked ? now_us + WIRE_AGAIN_US : CIPMUX_NEVER;
    if (!wire->uart) return due;
    uint64_t arrives = uart_deadline(wire->uart), sent = uart_sent_at(wire->uart, UART_FAR);
    if (board->port->kind->ready && sent > now_us && sent < due) due = sent;
    return arrives < due ? arrives : due;
}

bool wire_is_quiet(board_t *board, uint64_t now_us)
{
    const wire_t  *wire = &board->wire;
    const uint8_t *bytes;
    cipmux_phase_t phase = cipmux_phase(&board->modem);
    if (wire->uart && (uart_sent_at(wire->uart, UART_FAR) > now_us || uart_sent_at(wire->uart, UART_MODEM) > now_us))
        return false;
    return wire->held_first == wire->held_end && board->port->out_first == board->port->out_end &&
           port_peek(board->port, phase, cipmux_collecting(&board->modem), &bytes) == 0;
}

uint64_t wire_garbled(const board_t *board)
{
    uint64_t sum = 0;
    for (int side = 0; side < UART_SIDES && board->wire.uart; side++) {
        uart_counters_t counters = uart_counters(board->wire.uart, (uart_side_t)side);
        sum += counters.framing + counters.parity + counters.overruns;
    }
    return sum;
}

void wire_set_cts(board_t *board, bool high)
{
    board->wire.cts_high = high;
    board_wake(board);
}

void wire_far_side_changed(board_t *board)
{
    board->wire.unheard = 0;
    board->wire.silence_noted = board->wire.differs = false;
}

bool wire_open(board_t *board, bool real_pace)
{
    wire_t *wire = &board->wire;
    *wire = (wire_t){ .line = cipmux_line(&board->modem), .far = cipmux_line(&board->modem) };
    if (!real_pace) return true;
    wire->uart = malloc(sizeof *wire->uart);
    if (!wire->uart) return false;
    uart_init(wire->uart, board_now());
    for (int side = 0; side < UART_SIDES; side++) {
        uart_set_depth(wire->uart, (uart_side_t)side, UART_FIFO_MAX);
        uart_set_line(wire->uart, board_now(), (uart_side_t)side, &wire->line);
    }
    return true;
}

void wire_close(board_t *board)
{
    free(board->wire.uart);
    board->wire.uart = NULL;
}
