/* What only the inside of a modem tells: its passthrough prints bytes that nothing announces. */
#include "../../modem/internal.h"

#include "sim.h"

bool inside_raw(const cipmux_t *modem)
{
    const modem_t *const m = (const modem_t *)modem;
    return m->raw && !m->mux;
}

bool inside_dinfo(const cipmux_t *modem)
{
    return ((const modem_t *)modem)->dinfo;
}

bool inside_passive(const cipmux_t *modem)
{
    return ((const modem_t *)modem)->passive;
}

size_t inside_held(const cipmux_t *modem)
{
    return receive_held((const modem_t *)modem, 0);
}

size_t inside_text(const cipmux_t *modem)
{
    return ((const modem_t *)modem)->reply.fill;
}

size_t inside_raw_left(const cipmux_t *modem)
{
    const reply_t *const r = &((const modem_t *)modem)->reply;
    return r->frame_open && r->frame_head_length == 0 ? r->frame_left : 0;
}

bool inside_single(const cipmux_t *modem)
{
    return !((const modem_t *)modem)->mux;
}

bool inside_echo(const cipmux_t *modem)
{
    return ((const modem_t *)modem)->echo;
}

bool inside_sends(const cipmux_t *modem)
{
    return sender_is_busy((const modem_t *)modem);
}

size_t inside_framed(const cipmux_t *modem)
{
    const reply_t *const r = &((const modem_t *)modem)->reply;
    if (!r->frame_open || r->frame_head_length == 0) return 0;
    return (size_t)(r->frame_head_length - r->frame_head_at) + r->frame_left + r->frame_tail;
}
