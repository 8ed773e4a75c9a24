/* See inside.h. Apart from the desk, because the driver has an internal.h of its own. */
#include "inside.h"

#include "../../modem/internal.h"

inside_frame_t inside_frame(const cipmux_t *modem)
{
    const modem_t *const m = (const modem_t *)modem;
    const reply_t *const r = &m->reply;
    if (!r->frame_open || !r->frame_head_length) return (inside_frame_t){ .open = false };
    return (inside_frame_t){
        .open = true, .link = link_handle(m, r->frame_link), .head = r->frame_head_at, .left = r->frame_left
    };
}

inside_send_t inside_send(const cipmux_t *modem)
{
    const modem_t *const m = (const modem_t *)modem;
    return (inside_send_t){ .open = m->sender.state == SENDER_COLLECTING,
                            .link = m->sender.link,
                            .taken = m->sender.taken };
}

bool inside_echo(const cipmux_t *modem)
{
    return ((const modem_t *)modem)->echo;
}
