/* Characters as waveforms, and a receiver that samples them. See uart.h.
 *
 * Time on the wire is in ticks of 1/65536 us. The length of a bit is no whole number of them, so no length is ever
 * added up: an edge is the start of its row plus a whole number of half bit times, divided once. Half bits, for 1.5
 * stop bits. */
#include "uart.h"

#include <assert.h>
#include <string.h>

#define TICKS_PER_US     UINT64_C(65536)
#define TICKS_PER_SECOND (1000000 * TICKS_PER_US)
#define TICKS_NEVER      UINT64_MAX

enum { BAUD_MAX = 16000000 }; /* TICKS_PER_SECOND times twice that, and a character more, fits 64 bits */

/* ---- Characters -------------------------------------------------------------------------------------------------- */

/* Length of `halves` half bit times. */
static uint64_t ticks(uint64_t halves, uint32_t baud)
{
    return halves * TICKS_PER_SECOND / (2 * (uint64_t)baud);
}

/* Cells before the stop bits: start, data, parity. */
static unsigned cells(const cipmux_line_t *line)
{
    return 1u + line->data_bits + (line->parity ? 1u : 0u);
}

static unsigned frame_halves(const cipmux_line_t *line)
{
    return 2 * cells(line) + line->stop_bits + 1u; /* stop_bits 1, 2, 3: 2, 3, 4 halves */
}

static bool parity_of(uint8_t byte, const cipmux_line_t *line)
{
    bool odd = false;
    for (unsigned i = 0; i < line->data_bits; i++)
        odd ^= byte >> i & 1;
    return line->parity == 1 ? !odd : odd;
}

/* The level in a cell; true: high. Behind the last cell come the stop bits. */
static bool level_of_cell(const uart_frame_t *frame, unsigned cell)
{
    if (cell == 0) return false;
    if (cell <= frame->line.data_bits) return frame->byte >> (cell - 1) & 1;
    return cell >= cells(&frame->line) || parity_of(frame->byte, &frame->line);
}

static uint64_t edge(const uart_frame_t *frame, unsigned halves)
{
    return frame->row + ticks(frame->halves + halves, frame->line.baud);
}

static const uart_frame_t *frame_at(const uart_wire_t *wire, size_t i)
{
    return &wire->air[(wire->air_first + i) % UART_AIR];
}

/* The half bit of its row in which `when` lies: the inverse of ticks(), to the tick. */
static uint64_t halves_at(const uart_frame_t *frame, uint64_t when)
{
    return ((when - frame->row + 1) * 2 * frame->line.baud - 1) / TICKS_PER_SECOND;
}

static bool level(const uart_wire_t *wire, uint64_t when)
{
    for (size_t i = 0; i < wire->air_count; i++) {
        const uart_frame_t *frame = frame_at(wire, i);
        if (when < frame->start) return true;
        if (when < frame->end) return level_of_cell(frame, (unsigned)(halves_at(frame, when) - frame->halves) / 2);
    }
    return true;
}

/* The first falling edge from `from` on. */
static uint64_t next_fall(const uart_wire_t *wire, uint64_t from)
{
    for (size_t i = 0; i < wire->air_count; i++) {
        const uart_frame_t *frame = frame_at(wire, i);
        for (unsigned cell = 0; cell < cells(&frame->line); cell++) {
            if (level_of_cell(frame, cell) || (cell > 0 && !level_of_cell(frame, cell - 1))) continue;
            uint64_t when = edge(frame, 2 * cell);
            if (when >= from) return when;
        }
    }
    return TICKS_NEVER;
}

/* ---- The receiver ------------------------------------------------------------------------------------------------ */

/* The middle of a cell of the receiver's own, counted from the start edge. */
static uint64_t middle(uint64_t start, unsigned cell, const cipmux_line_t *line)
{
    return start + ticks(2 * cell + 1, line->baud);
}

/* When the receiver knows more: at the stop bit of the next character, or that there was none. */
static uint64_t next_step(const uart_wire_t *wire, const cipmux_line_t *line, uint64_t *start)
{
    *start = next_fall(wire, wire->looks_from);
    if (*start == TICKS_NEVER) return TICKS_NEVER;
    return middle(*start, level(wire, middle(*start, 0, line)) ? 0 : cells(line), line);
}

static void deliver(uart_wire_t *wire, uint8_t byte)
{
    if (wire->fifo_count == wire->depth) {
        wire->counters.overruns++;
        return;
    }
    wire->fifo[(wire->fifo_first + wire->fifo_count++) % UART_FIFO_MAX] = byte;
    wire->counters.bytes++;
}

static void sample(uart_wire_t *wire, const cipmux_line_t *line, uint64_t start)
{
    uint8_t byte = 0;
    for (unsigned i = 0; i < line->data_bits; i++)
        if (level(wire, middle(start, i + 1, line))) byte = (uint8_t)(byte | 1u << i);
    if (line->parity && level(wire, middle(start, line->data_bits + 1u, line)) != parity_of(byte, line))
        wire->counters.parity++;
    if (!level(wire, middle(start, cells(line), line))) wire->counters.framing++;
    deliver(wire, byte);
}

/* What is over for the receiver leaves the wire. */
static void forget(uart_wire_t *wire)
{
    while (wire->air_count > 0 && frame_at(wire, 0)->end <= wire->looks_from) {
        wire->air_first = (wire->air_first + 1) % UART_AIR;
        wire->air_count--;
    }
}

/* Receives all that arrives until now. */
static void advance(uart_t *uart, uart_side_t side, uint64_t now_us)
{
    uart_wire_t         *wire = &uart->to[side];
    const cipmux_line_t *line = &uart->line[side];
    uint64_t             start, step;
    while ((step = next_step(wire, line, &start)) <= now_us * TICKS_PER_US) {
        if (step != middle(start, 0, line)) sample(wire, line, start);
        wire->looks_from = step;
        forget(wire);
    }
    if (wire->air_count > 0 && start == TICKS_NEVER) { /* only a stop bit is left of them */
        wire->looks_from = frame_at(wire, wire->air_count - 1)->end;
        forget(wire);
    }
}

/* ---- The public calls -------------------------------------------------------------------------------------------- */

static uart_side_t other(uart_side_t side)
{
    return side == UART_MODEM ? UART_FAR : UART_MODEM;
}

void uart_init(uart_t *uart, uint64_t now_us)
{
    static const cipmux_line_t line = { .baud = 115200, .data_bits = 8, .stop_bits = 1 };
    memset(uart, 0, sizeof *uart);
    for (int side = 0; side < UART_SIDES; side++) {
        uart->line[side] = line;
        uart->to[side].depth = UART_FIFO_ESP8266;
        uart->to[side].looks_from = now_us * TICKS_PER_US;
    }
}

void uart_set_line(uart_t *uart, uint64_t now_us, uart_side_t side, const cipmux_line_t *line)
{
    assert(line->baud > 0 && line->baud <= BAUD_MAX);
    assert(line->data_bits >= 5 && line->data_bits <= 8);
    assert(line->stop_bits >= 1 && line->stop_bits <= 3);
    assert(line->parity <= 2);
    advance(uart, side, now_us);
    uart->line[side] = *line;
}

cipmux_line_t uart_line(const uart_t *uart, uart_side_t side)
{
    return uart->line[side];
}

void uart_set_depth(uart_t *uart, uart_side_t side, size_t depth)
{
    assert(depth >= 1 && depth <= UART_FIFO_MAX);
    uart->to[side].depth = depth;
}

static bool same_frame(const cipmux_line_t *a, const cipmux_line_t *b)
{
    return a->baud == b->baud && a->data_bits == b->data_bits && a->stop_bits == b->stop_bits && a->parity == b->parity;
}

/* The character behind `last`: without a gap, or in a new row that begins now. */
static void follow(uart_frame_t *last, const cipmux_line_t *line, uint64_t now)
{
    uint64_t second = 2 * (uint64_t)line->baud; /* in half bits: a whole number of both */
    if (last->end > now && same_frame(&last->line, line)) {
        last->halves += frame_halves(line);
        last->row += last->halves >= second ? TICKS_PER_SECOND : 0;
        last->halves -= last->halves >= second ? second : 0;
    } else {
        *last = (uart_frame_t){ .row = last->end > now ? last->end : now, .line = *line };
    }
    last->start = edge(last, 0);
    last->end = edge(last, frame_halves(line));
}

size_t uart_put(uart_t *uart, uint64_t now_us, uart_side_t side, const void *bytes, size_t n)
{
    uart_wire_t *wire = &uart->to[other(side)];
    size_t       taken = 0;
    advance(uart, other(side), now_us);
    for (; taken < n && wire->air_count < UART_AIR; taken++) {
        follow(&wire->last, &uart->line[side], now_us * TICKS_PER_US);
        wire->last.byte = ((const uint8_t *)bytes)[taken];
        wire->air[(wire->air_first + wire->air_count++) % UART_AIR] = wire->last;
    }
    return taken;
}

size_t uart_room(const uart_t *uart, uart_side_t side)
{
    const uart_wire_t *wire = &uart->to[other(side)];
    size_t             spoken_for = wire->fifo_count + wire->air_count;
    size_t             room = wire->depth > spoken_for ? wire->depth - spoken_for : 0;
    return room < UART_AIR - wire->air_count ? room : UART_AIR - wire->air_count;
}

static uint64_t whole_us(uint64_t when)
{
    return when == TICKS_NEVER ? CIPMUX_NEVER : (when + TICKS_PER_US - 1) / TICKS_PER_US;
}

uint64_t uart_sent_at(const uart_t *uart, uart_side_t side)
{
    return whole_us(uart->to[other(side)].last.end);
}

size_t uart_get(uart_t *uart, uint64_t now_us, uart_side_t side, void *bytes, size_t capacity)
{
    uart_wire_t *wire = &uart->to[side];
    size_t       n = 0;
    advance(uart, side, now_us);
    for (; n < capacity && wire->fifo_count > 0; n++) {
        ((uint8_t *)bytes)[n] = wire->fifo[wire->fifo_first];
        wire->fifo_first = (wire->fifo_first + 1) % UART_FIFO_MAX;
        wire->fifo_count--;
    }
    return n;
}

size_t uart_waiting(uart_t *uart, uint64_t now_us, uart_side_t side)
{
    advance(uart, side, now_us);
    return uart->to[side].fifo_count;
}

bool uart_receiving(const uart_t *uart, uint64_t now_us, uart_side_t side)
{
    return next_fall(&uart->to[side], uart->to[side].looks_from) <= now_us * TICKS_PER_US;
}

uint64_t uart_deadline(const uart_t *uart)
{
    uint64_t start, soonest = TICKS_NEVER;
    for (int side = 0; side < UART_SIDES; side++) {
        uint64_t step = next_step(&uart->to[side], &uart->line[side], &start);
        if (step < soonest) soonest = step;
    }
    return whole_us(soonest);
}

uart_counters_t uart_counters(const uart_t *uart, uart_side_t side)
{
    return uart->to[side].counters;
}
