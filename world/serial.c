/* The module's serial port at a real line: see serial.h. */
#include "serial.h"

enum { FLOW_RTS = 1, FLOW_CTS = 2 };

void serial_open(serial_t *serial, uint64_t now_us, const cipmux_t *modem, bool loses)
{
    const cipmux_line_t line = cipmux_line(modem);
    const size_t        buffer = cipmux_uart_buffer(modem, &serial->rts_at);
    serial->depth = loses ? buffer - 1 : UART_FIFO_MAX; /* one more is held */
    uart_init(&serial->uart, now_us);
    serial->loses = loses;
    serial->cts_high = serial->holds = false;
    uart_set_depth(&serial->uart, UART_MODEM, serial->depth);
    uart_set_depth(&serial->uart, UART_FAR, UART_FIFO_MAX);
    uart_set_line(&serial->uart, now_us, UART_MODEM, &line);
    uart_set_line(&serial->uart, now_us, UART_FAR, &line);
}

bool serial_switch(serial_t *serial, uint64_t now_us, const cipmux_t *modem)
{
    const cipmux_line_t line = cipmux_line(modem);
    if (uart_sent_at(&serial->uart, UART_MODEM) > now_us) return false;
    uart_set_line(&serial->uart, now_us, UART_MODEM, &line);
    return true;
}

void serial_set_far(serial_t *serial, uint64_t now_us, const cipmux_line_t *line)
{
    uart_set_line(&serial->uart, now_us, UART_FAR, line);
}

size_t serial_waiting(serial_t *serial, uint64_t now_us)
{
    return uart_waiting(&serial->uart, now_us, UART_MODEM) + serial->holds;
}

bool serial_rts_high(serial_t *serial, uint64_t now_us)
{
    return serial_waiting(serial, now_us) >= serial->rts_at;
}

bool serial_is_taken(serial_t *serial, uint64_t now_us)
{
    return uart_sent_at(&serial->uart, UART_FAR) <= now_us && serial_waiting(serial, now_us) == 0;
}

uint64_t serial_lost(serial_t *serial, uint64_t now_us)
{
    uart_waiting(&serial->uart, now_us, UART_MODEM); /* all that has arrived by now */
    return uart_counters(&serial->uart, UART_MODEM).overruns;
}

/* So many of the far side's bytes are sure to find room: with RTS in front of the place where it goes high. */
static size_t room_for_far(const serial_t *serial)
{
    const size_t room = uart_room(&serial->uart, UART_FAR);
    const size_t kept = serial->loses ? serial->depth - serial->rts_at + serial->holds : 0;
    return room > kept ? room - kept : 0;
}

size_t serial_type(serial_t *serial, uint64_t now_us, const cipmux_t *modem, const void *bytes, size_t n)
{
    const bool   waits = !serial->loses || (cipmux_line(modem).flow & FLOW_RTS) != 0;
    const size_t room = waits ? room_for_far(serial) : n;
    return uart_put(&serial->uart, now_us, UART_FAR, bytes, n < room ? n : room);
}

static bool to_modem(serial_t *serial, uint64_t now_us, cipmux_t *modem)
{
    bool moved = false;
    while (serial_waiting(serial, now_us) > 0) {
        if (!serial->holds) uart_get(&serial->uart, now_us, UART_MODEM, &serial->held, 1);
        serial->holds = cipmux_sink(modem, now_us, &serial->held, 1) == 0;
        if (serial->holds) break;
        moved = true;
    }
    return moved;
}

/* With CTS no character is put ahead of its time: the next one goes when the last one is at its stop bit. */
static size_t room_for_modem(const serial_t *serial, uint64_t now_us, cipmux_line_t line)
{
    const size_t   room = uart_room(&serial->uart, UART_MODEM);
    const uint64_t bit_us = 1000000 / line.baud + 1;
    if ((line.flow & FLOW_CTS) == 0) return room;
    return room > 0 && !serial->cts_high && uart_sent_at(&serial->uart, UART_MODEM) <= now_us + bit_us;
}

static bool from_modem(serial_t *serial, uint64_t now_us, cipmux_t *modem)
{
    uint8_t      bytes[256];
    const size_t room = room_for_modem(serial, now_us, cipmux_line(modem));
    const size_t n = cipmux_poll(modem, now_us, bytes, room < sizeof bytes ? room : sizeof bytes);
    uart_put(&serial->uart, now_us, UART_MODEM, bytes, n);
    return n > 0;
}

bool serial_move(serial_t *serial, uint64_t now_us, cipmux_t *modem)
{
    const bool taken = to_modem(serial, now_us, modem);
    return from_modem(serial, now_us, modem) || taken;
}

size_t serial_read(serial_t *serial, uint64_t now_us, void *bytes, size_t capacity)
{
    return uart_get(&serial->uart, now_us, UART_FAR, bytes, capacity);
}

uint64_t serial_deadline(const serial_t *serial, uint64_t now_us, bool typing)
{
    const uint64_t arrives = uart_deadline(&serial->uart);
    const uint64_t sent = typing ? uart_sent_at(&serial->uart, UART_FAR) : 0;
    return sent > now_us && sent < arrives ? sent : arrives;
}
