/* The only place that writes to the UART: a ring of text, one open frame (+IPD header, payload, tail), and one long
 * constant text. Text that is said while a frame is open waits in the ring until the frame is complete. */
#include "internal.h"

#include <stdarg.h>
#include <string.h>

static void ring_put(reply_t *r, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n && r->fill < REPLY_RING; i++)
        r->ring[(r->head + r->fill++) % REPLY_RING] = bytes[i];
}

bool reply_has_room(const modem_t *m)
{
    return REPLY_RING - m->reply.fill >= REPLY_RESERVE && m->reply.long_left == 0 && !m->reply.frame_open;
}

bool reply_fits(const modem_t *m, size_t n)
{
    return n <= REPLY_RING - (size_t)m->reply.fill;
}

bool reply_is_idle(const modem_t *m)
{
    return m->reply.fill == 0 && !m->reply.frame_open && m->reply.long_left == 0;
}

/* One directive into `out` (room for TEXT_IP_MAX); bytes of any length go to `*bytes`. */
static size_t directive(modem_t *m, char letter, va_list *arguments, char *out, const char **bytes)
{
    *bytes = out;
    switch (letter) {
    case 'd': return text_number(out, va_arg(*arguments, int));
    case 'x': return text_hex(out, va_arg(*arguments, unsigned), 1);
    case 'X': return text_hex(out, va_arg(*arguments, unsigned), 8);
    case 'a': return text_ip(out, va_arg(*arguments, const cipmux_address_t *));
    case 'm': return text_mac(out, va_arg(*arguments, const uint8_t *));
    case 'h': return text_serial(out, va_arg(*arguments, const uint8_t *));
    case 's': *bytes = va_arg(*arguments, const char *); return strlen(*bytes);
    case 'n': *bytes = m->slot.command->name; return strlen(*bytes);
    case 'i': {
        cipmux_address_t address = { .family = 4 };
        memcpy(address.bytes, va_arg(*arguments, const uint8_t *), 4);
        return text_ip(out, &address);
    }
    case 'b': *bytes = va_arg(*arguments, const char *); return (size_t)va_arg(*arguments, int);
    default: *out = letter; return 1;
    }
}

typedef struct {
    reply_t *ring; /* NULL: to `out` */
    char    *out;
    size_t   capacity, length;
} sink_t;

static void sink_put(sink_t *to, const char *bytes, size_t n)
{
    if (to->ring != NULL) {
        ring_put(to->ring, bytes, n);
        return;
    }
    for (size_t i = 0; i < n && to->length < to->capacity; i++)
        to->out[to->length++] = bytes[i];
}

static void print(modem_t *m, sink_t *to, const char *format, va_list *arguments)
{
    for (; *format != '\0'; format++) {
        if (*format != '%') {
            sink_put(to, format, 1);
            continue;
        }
        char        text[TEXT_IP_MAX];
        const char *bytes;
        if (*++format == '\0') return;
        const size_t n = directive(m, *format, arguments, text, &bytes);
        sink_put(to, bytes, n);
    }
}

void say(modem_t *m, text_t text, ...)
{
    if (text == TEXT_NONE || text_of(m, text) == NULL) return;
    sink_t  to = { .ring = &m->reply };
    va_list arguments;
    va_start(arguments, text);
    print(m, &to, text_of(m, text), &arguments);
    va_end(arguments);
}

size_t compose(modem_t *m, char *out, size_t capacity, text_t text, ...)
{
    sink_t  to = { .out = out, .capacity = capacity };
    va_list arguments;
    va_start(arguments, text);
    print(m, &to, text_of(m, text), &arguments);
    va_end(arguments);
    return to.length;
}

/* In passthrough the wire belongs to the data: events are dropped, unless SYSMSG bit 2 wants them [tcpip 4.8]. */
static bool events_shown(const modem_t *m)
{
    return !sender_is_through(m) || (m->sysmsg & 4) != 0;
}

/* Before the passthrough of a start has its link the Wi-Fi's events are shown [conventions 1.9]. */
void say_event(modem_t *m, text_t text, ...)
{
    if (text_of(m, text) == NULL || (!events_shown(m) && !m->sender.announce)) return;
    sink_t  to = { .ring = &m->reply };
    va_list arguments;
    va_start(arguments, text);
    print(m, &to, text_of(m, text), &arguments);
    va_end(arguments);
}

void say_link(modem_t *m, uint8_t id, text_t text)
{
    if (!events_shown(m) || text_of(m, text) == NULL) return;
    if (m->mux) say(m, TEXT_LINK_ID, id);
    say(m, text);
}

void say_byte(modem_t *m, char byte)
{
    ring_put(&m->reply, &byte, 1);
}

void say_raw(modem_t *m, text_t text, const char *bytes, uint16_t n)
{
    say(m, text, n);
    m->reply.long_text = bytes;
    m->reply.long_left = n;
}

static size_t poll_ring(reply_t *r, char *out, size_t capacity)
{
    size_t n = 0;
    while (n < capacity && r->fill > 0) {
        out[n++] = r->ring[r->head];
        r->head = (uint16_t)((r->head + 1) % REPLY_RING);
        r->fill--;
    }
    return n;
}

static size_t poll_long(reply_t *r, char *out, size_t capacity)
{
    const size_t n = capacity < r->long_left ? capacity : r->long_left;
    if (n == 0) return 0;
    memcpy(out, r->long_text, n);
    r->long_text += n;
    r->long_left = (uint16_t)(r->long_left - n);
    return n;
}

static size_t poll_frame(modem_t *m, char *out, size_t capacity)
{
    reply_t *const r = &m->reply;
    size_t         n = 0;
    while (n < capacity && r->frame_head_at < r->frame_head_length)
        out[n++] = r->frame_head[r->frame_head_at++];
    if (r->frame_left > 0 && n < capacity) {
        const size_t want = capacity - n < r->frame_left ? capacity - n : r->frame_left;
        const size_t taken = receive_take(m, r->frame_link, (uint8_t *)out + n, want);
        r->frame_left = (uint16_t)(r->frame_left - taken);
        n += taken;
    }
    const char *const tail = text_of(m, TEXT_IPD_TAIL);
    while (n < capacity && r->frame_left == 0 && r->frame_tail > 0)
        out[n++] = tail[strlen(tail) - r->frame_tail--];
    if (r->frame_head_at < r->frame_head_length || r->frame_left > 0 || r->frame_tail > 0) return n;
    r->frame_open = false;
    if (m->slot.wait == WAIT_READ) {
        slot_end(m, WAIT_READ, OUTCOME_DONE);
        receive_read_done(m, r->frame_link);
    }
    return n;
}

/* It ends at the end of a frame, so that a command that waits for room is read before the next frame begins. */
size_t cipmux_poll(cipmux_t *modem, uint64_t now_us, void *out, size_t capacity)
{
    modem_t *const m = (modem_t *)modem;
    cipmux_tick(modem, now_us);
    if (m->line_held) return 0;
    size_t n = 0;
    for (;;) {
        char *const  at = (char *)out + n;
        const size_t room = capacity - n;
        const bool   framed = m->reply.frame_open;
        if (room == 0) break;
        if (m->reply.frame_open)
            n += poll_frame(m, at, room);
        else if (m->reply.fill > 0)
            n += poll_ring(&m->reply, at, room);
        else if (m->reply.long_left > 0)
            n += poll_long(&m->reply, at, room);
        else if (!receive_next_frame(m))
            break;
        if (!m->reply.frame_open) cipmux_tick(modem, now_us);
        if (framed && !m->reply.frame_open) break;
    }
    return n;
}
