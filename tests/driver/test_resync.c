/* A download that fills the line, and one fault in the middle of it: within a second the driver reads frames again,
 * and if it had to give the link up, the program is told CLOSED within 1.25 s. Each kind of fault, each dialect, 10
 * times at different places.
 *
 * The first is measured from the fault to the first byte of a frame that began behind it and is delivered, or, when
 * the link is given up and nothing of it is delivered any more, to the moment when the driver believes the modem's
 * lines again. The second contains what the modem needs: it reads AT+CIPSTATUS and AT+CIPCLOSE between two frames of
 * 0.13 s each, and prints what it has queued before it closes. */
#include "desk.h"

#include <string.h>

#define LIMIT        (1 * DESK_SECOND)
#define CLOSED_LIMIT (5 * DESK_SECOND / 4)

static desk_t   desk;
static uint32_t peer_sent;
static uint64_t fault_us, resync_us, closed_us;
static bool     streams, faulted;
static uint8_t  dialled;

static void resynced(void)
{
    if (fault_us && !resync_us) resync_us = desk.now_us;
}

static uint16_t program(desk_t *d, uint8_t event, uint8_t link, void *data, uint16_t n)
{
    (void)link;
    if (event == CIPDRV_FAULT) faulted = true;
    if (event == CIPDRV_CLOSED) {
        closed_us = desk.now_us;
        resynced();
    }
    if (event != CIPDRV_RECEIVED) return event == CIPDRV_ROOM ? n : 0;
    const desk_byte_t *origin = desk_sent(d, DESK_TO_DRIVER, desk_arrival(d, data, 0).index);
    const desk_unit_t *unit = origin ? desk_unit(d, DESK_TO_DRIVER, origin->unit) : NULL;
    if (unit && unit->kind == DESK_FRAME && !unit->touched && origin->offset == 0 && unit->at_us > fault_us) resynced();
    return n;
}

static bool network(desk_t *d)
{
    static const char harmful[] = "\r\nready\r\n\r\n+IPD,4,2000:\r\nOK\r\n0,CLOSED\r\n";
    static uint8_t    bytes[1460];
    net_peer_t       *peer = net_peer(&d->world.net, "server");
    bool              moved = false;
    if (!peer || !streams) return false;
    while (peer->segments < 4 && peer->linked) {
        memset(bytes, 'a' + (int)(peer_sent / 1460 % 26), sizeof bytes);
        memcpy(bytes + 100, harmful, sizeof harmful - 1);
        if (!net_send(&d->world.net, peer, bytes, sizeof bytes, 0)) break;
        peer_sent += sizeof bytes;
        moved = true;
    }
    return moved;
}

/* The driver reads again, and a link that it has given up is closed. */
static bool done(desk_t *d)
{
    if (faulted && !d->driver.doubt) resynced();
    return resync_us != 0 && (closed_us || link_at(&d->driver, dialled)->state == LINK_OPEN);
}

static void longer(uint64_t *most, uint64_t us)
{
    if (us > *most) *most = us;
}

static bool scenario(const char *dialect, desk_harm_t harm, unsigned place, uint64_t longest_us[2])
{
    static const char *const harms[] = { "flip", "drop", "insert", "burst lost", "burst garbled" };
    desk_options_t           options = desk_options(dialect);
    options.seed = place + 1;
    options.program = program;
    options.network = network;
    options.driver.ssid = "lab";
    options.driver.password = "password";
    peer_sent = 0;
    fault_us = resync_us = closed_us = 0;
    streams = faulted = false;
    desk_start(&desk, &options);
    desk_say(&desk, "listen server 10.0.2.2:7");
    desk_await(&desk, CIPDRV_UP, CIPDRV_NO_LINK, 60 * DESK_SECOND);
    dialled = cipdrv_dial(&desk.driver, CIPDRV_TYPE_TCP, "10.0.2.2", 7 IF_UDP(, 0));
    if (!desk_await(&desk, CIPDRV_OPENED, dialled, 60 * DESK_SECOND)) return false;
    streams = true;
    desk_run(&desk, DESK_SECOND);
    desk_harm_at(&desk, DESK_TO_DRIVER, desk.line[DESK_TO_DRIVER].sent + 400 + 150ull * place, harm);
    while (!desk.last_harm_us[DESK_TO_DRIVER])
        desk_run(&desk, 1000);
    fault_us = desk.now_us;
    bool     good = desk_until(&desk, done, 10 * DESK_SECOND);
    uint64_t us = good ? resync_us - fault_us : 10 * DESK_SECOND;
    uint64_t end_us = !good ? 10 * DESK_SECOND : closed_us ? closed_us - fault_us : 0;
    longer(&longest_us[0], us);
    longer(&longest_us[1], end_us);
    if (us <= LIMIT && end_us <= CLOSED_LIMIT) return true;
    printf("%s, %s, place %u: %.3f s, CLOSED after %.3f s%s\n", dialect, harms[harm], place, (double)us / 1e6,
           (double)end_us / 1e6, good ? "" : ", or more");
    return false;
}

int main(void)
{
    int      failed = 0, run = 0;
    uint64_t longest_us[2] = { 0, 0 };
    for (size_t i = 0; cipmux_dialect_name(i); i++)
        for (int harm = 0; harm < DESK_HARMS; harm++)
            for (unsigned place = 0; place < 10; place++, run++)
                failed += !scenario(cipmux_dialect_name(i), (desk_harm_t)harm, place, longest_us);
    printf("%d faults, %d too long: until frames are read again %.3f s, until CLOSED %.3f s at most\n", run, failed,
           (double)longest_us[0] / 1e6, (double)longest_us[1] / 1e6);
    printf("%d passed, %d failed\n", run - failed, failed);
    return failed != 0;
}
