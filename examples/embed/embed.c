/* The engine in a program of yours. One modem in virtual time; its radio joins any network, its network is one TCP peer
 * that echoes whatever it gets. Lines of stdin are typed, each when the modem is ready for it; what it says goes to
 * stdout. */
#include <cipmux.h>
#include <stdio.h>
#include <string.h>

static cipmux_t      modem;
static uint64_t      now_us;
static cipmux_link_t link[CIPMUX_LINKS];
static uint8_t       memory[2][CIPMUX_LINKS][8640]; /* a link's last life may still hold data when the next begins */

static bool serve_next(void);

/* What the modem says, and why it refused something. */
static bool print(void)
{
    char          text[256];
    cipmux_note_t note;
    const size_t  n = cipmux_poll(&modem, now_us, text, sizeof text);
    const bool    noted = cipmux_note(&modem, &note);
    if (noted) fprintf(stderr, "%s: %s\n", note.text, cipmux_reason_id(note.reason));
    return fwrite(text, 1, n, stdout) > 0 || noted;
}

/* An event that comes too early waits until something was fetched. */
static void tell(cipmux_event_t event)
{
    while (cipmux_event(&modem, now_us, &event, NULL) == CIPMUX_LATER && (print() || serve_next())) {
    }
}

static void serve(const cipmux_request_t *r)
{
    static const cipmux_ap_t      ap = { .ssid = "anywhere", .ssid_length = 8, .channel = 6, .rssi = -50 };
    static const cipmux_address_t own = { .family = 4, .bytes = { 10, 0, 2, 15 } };
    uint8_t *const                lent = memory[r->link.life % 2][r->link.id];
    if (r->kind == CIPMUX_REQUEST_JOIN) {
        tell((cipmux_event_t){ .kind = CIPMUX_EVENT_JOINED, .ticket = r->ticket, .ap = &ap });
        tell((cipmux_event_t){ .kind = CIPMUX_EVENT_LEASE, .ticket = r->ticket, .address = own });
    } else if (r->kind == CIPMUX_REQUEST_DIAL && r->dial.type != CIPMUX_TCP) {
        tell((cipmux_event_t){ .kind = CIPMUX_EVENT_FAILED, .link = r->link, .cause = CIPMUX_CAUSE_LOCAL });
    } else if (r->kind == CIPMUX_REQUEST_DIAL) {
        link[r->link.id] = r->link;
        tell((cipmux_event_t){ .kind = CIPMUX_EVENT_UP,
                               .link = r->link,
                               .address = r->dial.to,
                               .local_port = 49152,
                               .memory = lent,
                               .memory_size = sizeof memory[0][0] });
    } else if (r->kind == CIPMUX_REQUEST_WATCH) { /* has the peer acknowledged all? */
        tell((cipmux_event_t){ .kind = CIPMUX_EVENT_ACKED, .link = r->link });
    } else if (r->kind == CIPMUX_REQUEST_LINE) { /* the UART has another rate from here on */
        tell((cipmux_event_t){ .kind = CIPMUX_EVENT_LINE_SET });
    } else if (r->kind == CIPMUX_REQUEST_SCAN) { /* nothing was found */
        tell((cipmux_event_t){ .kind = CIPMUX_EVENT_SCAN_DONE, .ticket = r->ticket });
    } else if (r->kind == CIPMUX_REQUEST_LISTEN) { /* no server here */
        tell((cipmux_event_t){ .kind = CIPMUX_EVENT_LISTENING, .cause = CIPMUX_CAUSE_LOCAL });
    } /* names and echoes find nobody: the modem gives up by itself */
}

static bool serve_next(void)
{
    cipmux_request_t request;
    if (!cipmux_request(&modem, now_us, &request)) return false;
    serve(&request);
    return true;
}

/* Sends back what a link sends, as much as the modem has room for. */
static bool echo(cipmux_link_t l)
{
    const void      *bytes;
    char             copy[2048];
    size_t           n, room = cipmux_receive_room(&modem, l);
    cipmux_address_t to;
    if (!cipmux_send_peek(&modem, l, &bytes, &n, &to) || room == 0) return false;
    if (n > room) n = room;
    if (n > sizeof copy) n = sizeof copy;
    memcpy(copy, bytes, n);
    cipmux_send_done(&modem, now_us, l, n);
    return cipmux_receive(&modem, now_us, l, copy, n) > 0;
}

/* Until nothing moves any more at this instant. */
static void settle(void)
{
    for (bool moved = true; moved;) {
        moved = print();
        moved |= serve_next();
        for (int i = 0; i < CIPMUX_LINKS; i++)
            moved |= echo(link[i]);
    }
}

int main(void)
{
    cipmux_config_t config;
    char            line[CIPMUX_LINE_MAX];
    cipmux_config(&config, "nonos-1.7.6");
    cipmux_power_on(&modem, &config, now_us);
    do {
        settle();
        while (cipmux_phase(&modem) <= CIPMUX_PHASE_BUSY && cipmux_phase(&modem) != CIPMUX_PHASE_COMMAND &&
               cipmux_deadline(&modem) != CIPMUX_NEVER) {
            now_us = cipmux_deadline(&modem); /* nothing happens before: an emulator runs its processor until then */
            cipmux_tick(&modem, now_us);
            settle();
        }
        if (!fgets(line, sizeof line - 1, stdin)) break;
        strcpy(line + strcspn(line, "\n"), "\r\n");
        for (size_t n = strlen(line), at = 0; at < n; settle())
            at += cipmux_sink(&modem, now_us, line + at, n - at);
    } while (true);
    return 0;
}
