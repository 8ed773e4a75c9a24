/* Bytes between the modem's board and the MCU. See port_mcu.h. */
#include "port_mcu.h"

#include <string.h>

enum { MODEM_FIFO = 128 }; /* bytes that a modem at pins has on their way */

static void pass(port_mcu_t *port, bool to_modem, uint8_t byte)
{
    if (to_modem)
        port->counters.to_modem++;
    else
        port->counters.from_modem++;
    if (port->passed) port->passed(port->context, to_modem, byte);
}

/* A byte of the MCU, for the modem. */
static void put_in(port_mcu_t *port, uint8_t byte)
{
    pass(port, true, byte);
    if (!port->held && port_in_room(&port->port) > 0) port->port.in[port->port.in_end++] = byte;
    board_wake(port->port.board);
    mcu_stop(port->mcu);
}

static void mcu_resume(port_t *port)
{
    (void)port;
}

static void mcu_close_port(port_t *port)
{
    (void)port;
}

/* ---- A USART ----------------------------------------------------------------------------------------------------- */

static void usart_sends(void *context, uint8_t byte)
{
    put_in(context, byte);
}

static bool usart_arriving(void *context)
{
    const port_mcu_t *port = context;
    return uart_receiving(&port->port.board->wire.serial->uart, board_now(), UART_FAR);
}

/* What has just arrived at the end of the wire. */
static void usart_flush(port_t *base)
{
    port_mcu_t     *port = (port_mcu_t *)base;
    uart_counters_t now = uart_counters(&base->board->wire.serial->uart, UART_FAR);
    uint8_t         errors =
        (uint8_t)((now.framing != port->framing ? USART_FRAMING : 0) | (now.parity != port->parity ? USART_PARITY : 0));
    port->framing = now.framing;
    port->parity = now.parity;
    for (; base->out_first < base->out_end; base->out_first++) {
        pass(port, false, base->out[base->out_first]);
        usart_receive(port->usart, base->out[base->out_first], errors);
    }
    port_drop_out(base);
}

static bool usart_far_line(port_t *base, cipmux_line_t *out)
{
    const usart_t *usart = ((port_mcu_t *)base)->usart;
    *out = usart_line(usart);
    return usart_is_on(usart);
}

static const port_kind_t usart_kind = {
    .flush = usart_flush, .resume = mcu_resume, .far_line = usart_far_line, .close = mcu_close_port
};

void port_mcu_usart(port_mcu_t *port, mcu_t *mcu, usart_t *usart)
{
    *port = (port_mcu_t){ .port = { .kind = &usart_kind, .open = true }, .mcu = mcu, .usart = usart };
    usart->sends = usart_sends;
    usart->arriving = usart_arriving;
    usart->context = port;
}

/* ---- Pins -------------------------------------------------------------------------------------------------------- */

/* Cycles from the start edge to `halves` half bits of the modem behind it. */
static uint64_t cycles(const port_mcu_t *port, unsigned halves)
{
    return (uint64_t)halves * port->mcu->avr->frequency / (2 * (uint64_t)port->line.baud);
}

static unsigned cells(const port_mcu_t *port) /* before the stop bits */
{
    return 1u + port->line.data_bits + (port->line.parity ? 1u : 0u);
}

static bool parity(uint8_t byte, const cipmux_line_t *line)
{
    bool odd = line->parity == 1;
    for (unsigned i = 0; i < line->data_bits; i++)
        odd ^= byte >> i & 1;
    return odd;
}

static bool level_of_cell(const port_mcu_t *port, unsigned cell)
{
    if (cell == 0) return false;
    if (cell <= port->line.data_bits) return port->byte >> (cell - 1) & 1;
    return cell >= cells(port) || parity(port->byte, &port->line);
}

/* The next byte of the modem, or none. */
static bool begin_character(port_mcu_t *port, uint64_t when)
{
    port_t *base = &port->port;
    port->start = 0;
    if (base->out_first == base->out_end) return false;
    port->start = when;
    port->cell = 0;
    port->byte = base->out[base->out_first++];
    board_wake(base->board); /* there is room for one more */
    mcu_stop(port->mcu);
    return true;
}

/* A timer of simavr: the next cell of the character begins. */
static avr_cycle_count_t next_cell(struct avr_t *avr, avr_cycle_count_t when, void *context)
{
    port_mcu_t *port = context;
    unsigned    last = cells(port);
    (void)avr;
    if (port->cell > last) {
        pass(port, false, port->byte);
        if (!begin_character(port, when)) return 0;
    }
    pin_drive(port->mcu, port->receive, level_of_cell(port, port->cell));
    unsigned ahead = port->cell < last ? 2 * (port->cell + 1) : 2 * last + port->line.stop_bits + 1u;
    port->cell++;
    return port->start + cycles(port, ahead);
}

/* `out` keeps only so many bytes as the module's FIFO has. */
static void pins_flush(port_t *base)
{
    port_mcu_t *port = (port_mcu_t *)base;
    size_t      n = base->out_end - base->out_first, from = PORT_OUT - MODEM_FIFO;
    if (n <= MODEM_FIFO) {
        size_t to = n == 0 ? from : PORT_OUT - MODEM_FIFO;
        memmove(base->out + to, base->out + base->out_first, n);
        base->out_first = to;
        base->out_end = to + n;
    }
    if (port->start == 0 && begin_character(port, port->mcu->avr->cycle)) {
        avr_cycle_count_t next = next_cell(port->mcu->avr, port->mcu->avr->cycle, port);
        avr_cycle_timer_register(port->mcu->avr, next - port->mcu->avr->cycle, next_cell, port);
    }
}

static bool pins_set_line(port_t *base, const cipmux_line_t *line)
{
    port_mcu_t *port = (port_mcu_t *)base;
    if (port->start != 0) return false;
    port->line = *line;
    return true;
}

/* The middle of a cell of what the MCU sends. */
static avr_cycle_count_t sample(struct avr_t *avr, avr_cycle_count_t when, void *context)
{
    port_mcu_t *port = context;
    (void)avr;
    (void)when;
    if (port->sampled == 0 && port->transmit.level) { /* no start bit: a glitch */
        port->sampling = false;
        return 0;
    }
    if (port->transmit.level) port->bits |= 1u << port->sampled;
    if (port->sampled++ < cells(port)) return port->edge + cycles(port, 2 * port->sampled + 1);
    port->sampling = false;
    if (!port->transmit.level) port->counters.bad++;
    put_in(port, (uint8_t)(port->bits >> 1 & ((1u << port->line.data_bits) - 1)));
    return 0;
}

static void transmit_changed(void *context, bool level)
{
    port_mcu_t *port = context;
    if (level || port->sampling) return;
    port->sampling = true;
    port->edge = port->mcu->avr->cycle;
    port->sampled = port->bits = 0;
    avr_cycle_timer_register(port->mcu->avr, cycles(port, 1), sample, port);
}

static const port_kind_t pins_kind = {
    .flush = pins_flush, .resume = mcu_resume, .set_line = pins_set_line, .close = mcu_close_port
};

void port_mcu_pins(port_mcu_t *port, mcu_t *mcu, pin_t receive, pin_t transmit)
{
    *port = (port_mcu_t){ .port = { .kind = &pins_kind, .open = true },
                          .mcu = mcu,
                          .receive = receive,
                          .transmit = { .mcu = mcu, .pin = transmit, .changed = transmit_changed, .context = port },
                          .line = { .baud = 115200, .data_bits = 8, .stop_bits = 1 } };
    port->port.out_first = port->port.out_end = PORT_OUT - MODEM_FIFO;
    pin_drive(mcu, receive, true);
    pin_watch(&port->transmit);
}

/* ---- Both -------------------------------------------------------------------------------------------------------- */

void port_mcu_reset(port_mcu_t *port)
{
    if (port->usart) {
        usart_reset(port->usart);
        return;
    }
    port->sampling = false;
    port->start = 0;
    pin_drive(port->mcu, port->receive, true);
    pin_look(&port->transmit);
}

void port_mcu_hold(port_mcu_t *port, bool held)
{
    if (port->held == held) return;
    port->held = held;
    if (!held) board_far_side(&port->port, true);
    board_reset(port->port.board);
    if (held) board_far_side(&port->port, false);
    mcu_stop(port->mcu);
}
