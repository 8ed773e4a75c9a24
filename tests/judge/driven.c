/* A host that is the driver of driver/ with a small program on it. What it types and reads is judged like any host's; beside
 * that its events must make sense, and what it delivers must be what came in frames. */
#include "cipdrv.h"

#include "sim.h"

#include <string.h>

static struct {
    cipdrv_t        driver;
    cipdrv_config_t config;
    uint64_t        poll_us;
    conn_t         *conn[CIPDRV_LINKS];
    uint32_t        got[CIPDRV_LINKS];
    uint8_t         bytes[CIPDRV_LINKS][300];
    bool            open[CIPDRV_LINKS], sending[CIPDRV_LINKS], up, woken;
} host[NODES];

static node_t *node_of(const cipdrv_t *driver)
{
    for (uint8_t i = 0; i < NODES; i++)
        if (&host[i].driver == driver) return &node[i];
    return NULL;
}

static uint16_t received(node_t *n, uint8_t link, const uint8_t *data, uint16_t length)
{
    conn_t *c = host[n->number].conn[link];
    if (!c) c = host[n->number].conn[link] = n->open[link] ? n->open[link] : n->last[link];
    if (!c) return length;
    if (!conn_delivered(n, c, host[n->number].got[link], data, length))
        sim_fail(n, "driver", "link %u: it delivers other bytes than came", link);
    host[n->number].got[link] += length;
    sums.driven_down += length;
    return length;
}

static uint16_t told(cipdrv_t *driver, uint8_t event, uint8_t link, void *data, uint16_t length)
{
    node_t *n = node_of(driver);
    if (!n || link >= CIPDRV_LINKS) {
        if (n && event == CIPDRV_UP) host[n->number].up = true, sums.driven_up++;
        if (n && event == CIPDRV_DOWN) host[n->number].up = false;
        return 0;
    }
    const bool open = host[n->number].open[link];
    switch (event) {
    case CIPDRV_OPENED:
        if (open) sim_fail(n, "driver", "link %u: OPENED twice", link);
        sums.driven_opened++;
        host[n->number].open[link] = true;
        host[n->number].conn[link] = NULL; /* it believes the word before the line has ended */
        host[n->number].got[link] = 0;
        return 0;
    case CIPDRV_CLOSED:
        if (length == CIPDRV_BY_PEER && host[n->number].conn[link] &&
            host[n->number].got[link] != host[n->number].conn[link]->got)
            sim_fail(n, "driver", "link %u: CLOSED, and not all of its bytes were delivered", link);
        host[n->number].open[link] = host[n->number].sending[link] = false;
        return 0;
    case CIPDRV_SENT:
        sums.driven_sent++;
        host[n->number].sending[link] = false;
        return 0;
    case CIPDRV_RECEIVED:
        if (!open) sim_fail(n, "driver", "link %u: RECEIVED, and it is not open", link);
        return received(n, link, data, length);
    case CIPDRV_ROOM: return length;
    case CIPDRV_FAULT: sim_fail(n, "driver", "link %u: FAULT on a good line", link); return 0;
    default: return 0;
    }
}

static uint16_t ticks(void)
{
    return (uint16_t)(now_us / 4000);
}

void driven_start(node_t *n, bool server, bool passive)
{
    memset(&host[n->number], 0, sizeof host[0]);
    host[n->number].config = (cipdrv_config_t){ .handler = told,
                                                .ssid = "lab",
                                                .password = "password",
                                                .rate = 1152,
                                                .server_port = server ? 80 : 0,
                                                .passive = passive };
    cipdrv_start(&host[n->number].driver, &host[n->number].config, ticks());
    n->driven = host[n->number].woken = true;
    sums.driven++;
}

void driven_reads(node_t *n, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length;) {
        const uint16_t taken = cipdrv_sink(&host[n->number].driver, ticks(), bytes + i, (uint16_t)(length - i));
        if (taken == 0) {
            sim_fail(n, "driver", "it does not take what it reads");
            return;
        }
        i += taken;
    }
    host[n->number].woken = true;
}

bool driven_acts(node_t *n)
{
    uint8_t out[64];
    bool    moved = false;
    if (n->queued || (!host[n->number].woken && now_us < host[n->number].poll_us)) return false;
    host[n->number].woken = false;
    for (uint16_t length; n->queued + sizeof out < QUEUE &&
                          (length = cipdrv_poll(&host[n->number].driver, ticks(), out, sizeof out)) > 0;
         moved = true)
        host_type(n, out, length);
    host[n->number].poll_us = (now_us / 4000 + cipdrv_deadline(&host[n->number].driver)) * 4000;
    if (host[n->number].poll_us <= now_us) host[n->number].poll_us = now_us + 4000;
    return moved;
}

uint64_t driven_deadline(const node_t *n)
{
    return host[n->number].poll_us > now_us ? host[n->number].poll_us : CIPMUX_NEVER;
}

/* What the program does about an action of a host. */
void driven_does(node_t *n, act_kind_t kind, uint32_t random)
{
    static char   here[] = "10.0.2.2";
    const uint8_t link = (uint8_t)(random % CIPDRV_LINKS);
    cipdrv_t     *driver = &host[n->number].driver;
    host[n->number].woken = n->dirty = true;
    if (!host[n->number].up) return;
    if (kind == ACT_DIAL)
        cipdrv_dial(driver, CIPDRV_TYPE_TCP, here, (uint16_t)(5000 + mix(random, 1) % 7), 0);
    else if (kind == ACT_CLOSE && host[n->number].open[link])
        cipdrv_close(driver, link);
    else if (host[n->number].open[link] && !host[n->number].sending[link]) {
        const uint16_t length = (uint16_t)(1 + mix(random, 1) % sizeof host[0].bytes[0]);
        for (uint16_t i = 0; i < length; i++)
            host[n->number].bytes[link][i] = (uint8_t)mix(random, i + 100u);
        host[n->number].sending[link] = cipdrv_send(driver, link, host[n->number].bytes[link], length, CIPDRV_FROM_RAM);
    }
}
