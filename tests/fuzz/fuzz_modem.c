/* Fuzz target of the engine: the input is a script of bytes, events and time for one modem with a well-behaved caller, or a
 * hostile one that also tells events which make no sense. Sanitizers find what is undefined; here are the promises of
 * cipmux.h: partial acceptance within bounds, each link hung up and its memory returned exactly once, no deadline that
 * stands still, and no valid event that is refused.
 *
 * With libFuzzer: LLVMFuzzerTestOneInput. Without: replay.c runs it on files and on seeded random input. */
#include "cipmux.h"
#include "promise.h"

#include <string.h>

/* What an input may say in one byte instead of spelling it out. */
static const char *const commands[] = {
    "AT",
    "ATE0",
    "ATE1",
    "AT+GMR",
    "AT+RST",
    "AT+RESTORE",
    "AT+CWMODE=1",
    "AT+CWMODE=3",
    "AT+CWMODE=2",
    "AT+CWJAP=\"lab\",\"password\"",
    "AT+CWJAP?",
    "AT+CWQAP",
    "AT+CWLAP",
    "AT+CWSAP=\"soft\",\"12345678\",5,3",
    "AT+CIPMUX=0",
    "AT+CIPMUX=1",
    "AT+CIPMUX?",
    "AT+CIPMODE=1",
    "AT+CIPMODE=0",
    "AT+CIPSEND",
    "AT+CIPSEND=5",
    "AT+CIPSEND=0,5",
    "AT+CIPSEND=4,2048",
    "AT+CIPSENDEX=10",
    "AT+CIPSENDEX=1,10",
    "AT+CIPSENDBUF=3",
    "AT+CIPSENDBUF=2,7",
    "AT+CIPSEND=4,\"10.0.2.2\",9",
    "AT+CIPSTART=\"TCP\",\"10.0.2.2\",80",
    "AT+CIPSTART=\"UDP\",\"10.0.2.2\",80,1000,2",
    "AT+CIPSTART=\"SSL\",\"host.example\",443",
    "AT+CIPSTART=0,\"TCP\",\"10.0.2.2\",80,60",
    "AT+CIPSTART=1,\"UDP\",\"10.0.2.2\",80",
    "AT+CIPSTART=4,\"TCP\",\"host.example\",80",
    "AT+CIPSTART=2,\"TCP\",\"1.2.3.4\",1",
    "AT+CIPSTARTEX=\"TCP\",\"10.0.2.2\",80",
    "AT+CIPCLOSE",
    "AT+CIPCLOSE=0",
    "AT+CIPCLOSE=4",
    "AT+CIPCLOSE=5",
    "AT+CIPCLOSEMODE=0,1",
    "AT+CIPSERVER=1,80",
    "AT+CIPSERVER=0",
    "AT+CIPSERVER=0,1",
    "AT+CIPSERVERMAXCONN=1",
    "AT+CIPSTO=1",
    "AT+CIPSTATUS",
    "AT+CIPSTATE?",
    "AT+CIPRECVMODE=1",
    "AT+CIPRECVMODE=0",
    "AT+CIPRECVDATA=100",
    "AT+CIPRECVDATA=0,2048",
    "AT+CIPRECVLEN?",
    "AT+CIPDINFO=1",
    "AT+CIPDOMAIN=\"host.example\"",
    "AT+CIFSR",
    "AT+SAVETRANSLINK=1,\"10.0.2.2\",80",
    "AT+SAVETRANSLINK=0",
    "AT+CWMODE=1",
    "AT+CWMODE=2",
    "AT+CWSAP=\"own\",\"\",1,0",
    "AT+CWSAP?",
    "AT+CWLIF",
    "AT+CWQIF",
    "AT+CWDHCP=1,1",
    "AT+CWDHCP=0,1",
    "AT+CWDHCPS=1,60,\"192.168.4.2\",\"192.168.4.9\"",
    "AT+CWDHCPS_CUR=1,60,\"192.168.4.2\",\"192.168.4.9\"",
    "AT+CIPSTA=\"10.0.2.77\"",
    "AT+CIPSTA?",
    "AT+CIPAP=\"10.0.2.1\"",
    "AT+CIPSTAMAC=\"1a:fe:34:00:00:01\"",
    "AT+CIPAPMAC=\"1a:fe:34:00:00:02\"",
    "AT+CWHOSTNAME?",
    "AT+UART_CUR=9600,8,1,0,0",
    "AT+SYSMSG_CUR=7",
    "AT+SYSSTORE=0",
    "AT+CWAUTOCONN=1",
    "AT+CWSTARTSMART=3",
    "AT+CWSTOPSMART",
    "AT+WPS=1",
    "AT+WPS=0",
    "AT+MDNS=1,\"fuzz\",\"iot\",80",
    "AT+MDNS=0",
    "AT+CWRECONNCFG=1,2",
    "AT+CWLAPOPT=1,2047",
    "AT+CWCOUNTRY=1,\"US\",1,11",
    "AT+SYSLOG=1",
    "AT+CIPBUFSTATUS",
    "AT+CIPBUFRESET",
    "AT+CIPTCPOPT=0,0,1,0",
    "AT+SLEEP=1",
    "AT+GSLP=10",
    "AT+PING=\"10.0.2.2\"",
    "AT+CIPDNS_CUR=1,\"8.8.8.8\"",
    "AT+CIPV6=1",
    "AT+CIPSNTPCFG=1,1",
    "AT+CIPSNTPTIME?",
    "AT+USERRAM=1,1500",
    "AT+USERRAM=1,40000",
    "AT+USERRAM=2,5,1495",
    "AT+USERRAM=3,1500",
    "AT+USERRAM=0",
    "AT+SYSFLASH?",
    "AT+SYSFLASH=0,\"mqtt_ca\"",
    "AT+SYSFLASH=1,\"mqtt_ca\",8188,4",
    "AT+SYSFLASH=2,\"mqtt_ca\",0,8192",
    "AT+USEROTA=8",
    "AT+USERWKMCUCFG=1,1,4,1,100,7",
    "AT+USERWKMCUCFG=1,2,0,65,0,1",
    "AT+USERWKMCUCFG=0",
    "AT+USERMCUSLEEP=1",
    "AT+USERMCUSLEEP=1",
    "AT+USERMCUSLEEP=0",
};

enum { COMMANDS = sizeof commands / sizeof *commands };

typedef struct {
    const uint8_t *data;
    size_t         size;
} input_t;

/* The caller's view of one link. */
typedef struct {
    cipmux_link_t link;
    bool          dialing, up, ended;
    bool          udp;
} peer_t;

/* Receive memory that is lent. A link that has ended may keep it until its slot is used again. */
typedef struct {
    cipmux_link_t link;
    uint8_t      *memory; /* NULL: this entry is free */
} loan_t;

enum { LOANS = 2 * CIPMUX_LINKS };

typedef struct {
    input_t         input;
    cipmux_config_t config;
    cipmux_t        modem;
    uint64_t        now;
    bool            hostile;
    peer_t          peer[CIPMUX_LINKS];
    loan_t          loan[LOANS];
    bool            joined, listen, line, store;
    uint8_t         image[CIPMUX_IMAGE_MAX];
    size_t          image_size;
    uint16_t        resolve, scan, join, smart, wps, soft_ap, ping, time, update; /* open tickets; 0: none */
} fuzz_t;

static uint8_t next(fuzz_t *f)
{
    if (f->input.size == 0) return 0;
    f->input.size--;
    return *f->input.data++;
}

static peer_t *peer_of(fuzz_t *f, cipmux_link_t link)
{
    PROMISE(link.id < CIPMUX_LINKS);
    return &f->peer[link.id];
}

static bool same(cipmux_link_t a, cipmux_link_t b)
{
    return a.id == b.id && a.life == b.life;
}

static loan_t *loan_of(fuzz_t *f, cipmux_link_t link)
{
    for (int i = 0; i < LOANS; i++)
        if (f->loan[i].memory != NULL && same(f->loan[i].link, link)) return &f->loan[i];
    return NULL;
}

static void lend(fuzz_t *f, cipmux_link_t link, uint8_t *memory)
{
    PROMISE(loan_of(f, link) == NULL);
    for (int i = 0; i < LOANS; i++)
        if (f->loan[i].memory == NULL) {
            f->loan[i] = (loan_t){ link, memory };
            return;
        }
    PROMISE(false);
}

/* Tells an event that fits. It is taken, put off, or stale because the modem has changed its mind meanwhile. */
static cipmux_answer_t tell(fuzz_t *f, const cipmux_event_t *event, cipmux_link_t *assigned)
{
    return cipmux_event(&f->modem, f->now, event, assigned);
}

static void hang_up(fuzz_t *f, cipmux_link_t link)
{
    peer_t *peer = peer_of(f, link);
    PROMISE(same(peer->link, link));
    PROMISE(peer->up || peer->dialing);
    peer->up = peer->dialing = peer->ended = false;
}

static void read_all(const void *bytes, size_t n)
{
    static volatile uint8_t sum;
    for (size_t i = 0; i < n; i++)
        sum = (uint8_t)(sum + ((const uint8_t *)bytes)[i]);
}

static void take_request(fuzz_t *f, const cipmux_request_t *request)
{
    peer_t *peer;
    loan_t *loan;
    switch (request->kind) {
    case CIPMUX_REQUEST_RESOLVE:
        PROMISE(request->resolve.length > 0 && request->resolve.length <= CIPMUX_HOST_MAX);
        f->resolve = request->ticket;
        break;
    case CIPMUX_REQUEST_DIAL:
        peer = peer_of(f, request->link);
        PROMISE(!peer->dialing && !peer->up);
        *peer = (peer_t){ .link = request->link, .dialing = true, .udp = request->dial.type == CIPMUX_UDP };
        break;
    case CIPMUX_REQUEST_HANG_UP: hang_up(f, request->link); break;
    case CIPMUX_REQUEST_RETURN:
        loan = loan_of(f, request->link);
        PROMISE(loan != NULL);
        peer = peer_of(f, request->link);
        PROMISE(!same(peer->link, request->link) || !peer->up);
        free(loan->memory);
        loan->memory = NULL;
        break;
    case CIPMUX_REQUEST_WATCH:
    case CIPMUX_REQUEST_OPTION: PROMISE(same(peer_of(f, request->link)->link, request->link)); break;
    case CIPMUX_REQUEST_LISTEN:
        PROMISE(request->listen.port != 0);
        f->listen = true;
        break;
    case CIPMUX_REQUEST_LINE:
    case CIPMUX_REQUEST_ROM_LINE: f->line = true; break;
    case CIPMUX_REQUEST_STORE: f->store = true; break;
    case CIPMUX_REQUEST_UNLISTEN: break;
    case CIPMUX_REQUEST_SOFT_AP:
        PROMISE(request->soft_ap.ssid_length > 0 && request->soft_ap.ssid_length <= CIPMUX_SSID_MAX);
        PROMISE(request->soft_ap.password_length <= CIPMUX_PASSWORD_MAX);
        f->soft_ap = request->ticket;
        break;
    case CIPMUX_REQUEST_KICK:
    case CIPMUX_REQUEST_ADDRESS: break;
    case CIPMUX_REQUEST_SCAN: f->scan = request->ticket; break;
    case CIPMUX_REQUEST_JOIN: f->join = request->ticket; break;
    case CIPMUX_REQUEST_LEAVE: f->joined = false; break;
    case CIPMUX_REQUEST_SMART: f->smart = request->provision.on ? request->ticket : 0; break;
    case CIPMUX_REQUEST_WPS: f->wps = request->provision.on ? request->ticket : 0; break;
    case CIPMUX_REQUEST_MDNS:
        PROMISE(request->mdns.host_length < 64 && request->mdns.service_length < 64);
        PROMISE(request->mdns.prefix && request->mdns.about);
        break;
    case CIPMUX_REQUEST_RADIO:
    case CIPMUX_REQUEST_PINS:
    case CIPMUX_REQUEST_SLEEP: break;
    case CIPMUX_REQUEST_PING:
        PROMISE(request->ping.to.family != 0);
        f->ping = request->ticket;
        break;
    case CIPMUX_REQUEST_TIME:
        PROMISE(request->time.length > 0 && request->time.length <= CIPMUX_HOST_MAX);
        f->time = request->ticket;
        break;
    case CIPMUX_REQUEST_UPDATE:
        PROMISE(request->update.version_length <= 64 && request->update.partition_length <= 64);
        PROMISE((request->update.url == NULL) == (request->update.url_length == 0));
        read_all(request->update.url, request->update.url_length);
        f->update = request->ticket;
        break;
    case CIPMUX_REQUEST_NONE: PROMISE(false);
    }
}

/* What every caller does after every call. */
static void settle(fuzz_t *f)
{
    cipmux_request_t request;
    cipmux_note_t    note;
    for (int i = 0; cipmux_request(&f->modem, f->now, &request); i++) {
        PROMISE(i < 100);
        take_request(f, &request);
    }
    while (cipmux_note(&f->modem, &note))
        PROMISE(note.reason < CIPMUX_REASON_COUNT && note.link < CIPMUX_LINKS);
    PROMISE(cipmux_phase(&f->modem) <= CIPMUX_PHASE_PASSTHROUGH);
    PROMISE(cipmux_collecting(&f->modem) <= CIPMUX_HEAP_SIZE);
    PROMISE(cipmux_admission(&f->modem) <= CIPMUX_ADMIT_SILENT);
}

static void poll(fuzz_t *f, size_t capacity)
{
    uint8_t out[256];
    if (capacity > sizeof out) capacity = sizeof out;
    PROMISE(cipmux_poll(&f->modem, f->now, out, capacity) <= capacity);
}

static void poll_all(fuzz_t *f)
{
    uint8_t out[256];
    for (int i = 0; cipmux_poll(&f->modem, f->now, out, sizeof out) != 0; i++) {
        PROMISE(i < 4096);
        settle(f);
    }
}

static void type(fuzz_t *f, const void *bytes, size_t n)
{
    const uint8_t *from = bytes;
    for (int i = 0; n > 0 && i < 64; i++) {
        size_t taken = cipmux_sink(&f->modem, f->now, from, n);
        PROMISE(taken <= n);
        from += taken;
        n -= taken;
        settle(f);
        if (n > 0) poll_all(f);
    }
}

static void advance(fuzz_t *f, uint64_t us)
{
    uint64_t end = f->now + us;
    for (int i = 0; i < 200; i++) {
        uint64_t deadline = cipmux_deadline(&f->modem);
        if (deadline > end) break;
        if (deadline > f->now) f->now = deadline;
        cipmux_tick(&f->modem, f->now);
        settle(f);
        poll_all(f);
        PROMISE(i < 199 || cipmux_deadline(&f->modem) > f->now);
    }
    f->now = end;
}

static cipmux_address_t some_address(fuzz_t *f)
{
    cipmux_address_t address = { .family = 4, .bytes = { 10, 0, 2, 2 }, .port = (uint16_t)(1000 + next(f)) };
    if (address.port % 2 != 0) memcpy(address.bytes, (uint8_t[4]){ 192, 168, 4, 2 }, 4); /* a station of the soft-AP */
    return address;
}

/* The answers to what is asked, each good or bad. */
static void answer_dial(fuzz_t *f, peer_t *peer, bool good)
{
    if (!peer->dialing) return;
    size_t         size = cipmux_link_memory(&f->modem);
    cipmux_event_t event = { .kind = good ? CIPMUX_EVENT_UP : CIPMUX_EVENT_FAILED,
                             .link = peer->link,
                             .cause = (cipmux_cause_t)(CIPMUX_CAUSE_RESET + next(f) % 6),
                             .address = some_address(f),
                             .local_port = 4000,
                             .memory_size = size };
    if (good) event.memory = malloc(size);
    cipmux_answer_t answer = tell(f, &event, NULL);
    if (answer == CIPMUX_TAKEN) {
        peer->dialing = false;
        peer->up = good;
        if (good) lend(f, peer->link, event.memory);
    } else {
        free(event.memory);
    }
    settle(f);
}

static void knock(fuzz_t *f)
{
    if (cipmux_admission(&f->modem) != CIPMUX_ADMIT_OPEN) return;
    size_t         size = cipmux_link_memory(&f->modem);
    cipmux_event_t event = { .kind = CIPMUX_EVENT_ACCEPT,
                             .address = some_address(f),
                             .local_port = cipmux_server_port(&f->modem),
                             .memory = malloc(size),
                             .memory_size = size };
    cipmux_link_t  link = { 0 };
    if (tell(f, &event, &link) == CIPMUX_TAKEN) {
        peer_t *peer = peer_of(f, link);
        PROMISE(!peer->dialing && !peer->up);
        *peer = (peer_t){ .link = link, .up = true };
        lend(f, link, event.memory);
    } else {
        free(event.memory);
    }
    settle(f);
}

static void deliver(fuzz_t *f, peer_t *peer, size_t n)
{
    static const uint8_t bytes[6000] = { 'I', 'P', 'D', ',', ':', '\r', '\n' };
    if (!peer->up || peer->ended) return;
    cipmux_address_t from = some_address(f);
    if (peer->udp) {
        (void)cipmux_datagram(&f->modem, f->now, peer->link, &from, bytes, n);
    } else {
        size_t room = cipmux_receive_room(&f->modem, peer->link);
        size_t taken = cipmux_receive(&f->modem, f->now, peer->link, bytes, n);
        PROMISE(taken <= n && taken <= room);
    }
    settle(f);
}

static void network_takes(fuzz_t *f, peer_t *peer, size_t limit)
{
    const void      *bytes;
    size_t           n;
    cipmux_address_t to;
    if (!peer->up || !cipmux_send_peek(&f->modem, peer->link, &bytes, &n, &to)) return;
    read_all(bytes, n);
    PROMISE(n <= 4096);
    if (limit == 0)
        cipmux_send_failed(&f->modem, f->now, peer->link);
    else
        cipmux_send_done(&f->modem, f->now, peer->link, peer->udp || limit > n ? n : limit);
    settle(f);
}

static void end_link(fuzz_t *f, peer_t *peer)
{
    if (!peer->up || peer->udp || peer->ended) return;
    cipmux_event_t event = { .kind = CIPMUX_EVENT_ENDED,
                             .link = peer->link,
                             .cause = (cipmux_cause_t)(CIPMUX_CAUSE_FIN + next(f) % 3) };
    peer->ended = tell(f, &event, NULL) != CIPMUX_LATER;
    settle(f);
}

static void answer_service(fuzz_t *f, unsigned choice)
{
    cipmux_event_t event = { .kind = CIPMUX_EVENT_PONG, .ticket = f->ping, .ms = next(f) };
    if (choice % 3 == 1) event.kind = CIPMUX_EVENT_TIME, event.ticket = f->time, event.utc_us = (uint64_t)next(f) << 32;
    if (choice % 3 == 2) event.kind = CIPMUX_EVENT_UPDATE, event.ticket = f->update, event.step = next(f) % 7;
    if (next(f) % 4 == 0) event.cause = CIPMUX_CAUSE_UNREACHABLE;
    (void)tell(f, &event, NULL);
    settle(f);
}

static void answer_radio(fuzz_t *f, unsigned choice)
{
    if (choice % 14 > 10) {
        answer_service(f, choice / 14);
        return;
    }
    static const cipmux_ap_t ap = { .ssid = "lab", .ssid_length = 3, .channel = 6, .rssi = -50, .security = 3 };
    static const uint8_t     text[256] = "lab";
    cipmux_credentials_t     told = { text, text, 3, 8 };
    cipmux_event_t           event = { .ticket = f->join, .ap = &ap, .address = some_address(f), .credentials = &told };
    if (choice >= 192) {
        event.kind = (cipmux_event_kind_t)(CIPMUX_EVENT_STATION_JOINED + choice % 3);
        event.ticket = f->soft_ap;
        event.mac[5] = (uint8_t)(choice / 4 % 16);
        (void)tell(f, &event, NULL);
        settle(f);
        return;
    }
    switch (choice % 14) {
    case 0: event.kind = CIPMUX_EVENT_JOINED; break;
    case 1: event.kind = CIPMUX_EVENT_LEASE; break;
    case 2:
        event.kind = CIPMUX_EVENT_LOST;
        event.cause = (cipmux_cause_t)(CIPMUX_CAUSE_NO_AP + next(f) % 4);
        break;
    case 3:
        event.kind = CIPMUX_EVENT_RESOLVED;
        event.ticket = f->resolve;
        if (next(f) % 2) event.address.family = 0;
        break;
    case 4:
        event.kind = CIPMUX_EVENT_SCAN_ENTRY;
        event.ticket = f->scan;
        break;
    case 5: event.kind = CIPMUX_EVENT_SIGNAL; break;
    case 6:
        event.kind = CIPMUX_EVENT_ADVERTISED;
        event.address.family = 6;
        break;
    case 7:
        event.kind = CIPMUX_EVENT_SMART_TYPE;
        event.ticket = f->smart;
        event.smart_type = next(f);
        break;
    case 8:
        event.kind = CIPMUX_EVENT_SMART_CREDENTIALS;
        event.ticket = f->smart;
        told.ssid_length = next(f);
        told.password_length = next(f);
        break;
    case 9:
        event.kind = CIPMUX_EVENT_WPS;
        event.ticket = f->wps;
        event.cause = next(f) % 2 ? CIPMUX_CAUSE_NONE : CIPMUX_CAUSE_JOIN_REFUSED;
        break;
    default:
        event.kind = CIPMUX_EVENT_SCAN_DONE;
        event.ticket = f->scan;
        break;
    }
    (void)tell(f, &event, NULL);
    settle(f);
}

/* An event with whatever the input says in it. It must not do harm. Memory is not lent by it. */
static void tell_nonsense(fuzz_t *f)
{
    static const cipmux_ap_t ap = { .ssid = "x", .ssid_length = 1 };
    cipmux_event_t           event = { .kind = (cipmux_event_kind_t)(next(f) % CIPMUX_EVENT_RESET_PIN),
                                       .link = { .id = next(f), .life = next(f) },
                                       .ticket = next(f),
                                       .cause = (cipmux_cause_t)(next(f) % (CIPMUX_CAUSE_AP_LOST + 1)),
                                       .ap = &ap };
    bool                     known = event.link.id < CIPMUX_LINKS && same(f->peer[event.link.id].link, event.link);
    if (!f->hostile || known || event.kind == CIPMUX_EVENT_ACCEPT) return;
    (void)tell(f, &event, NULL);
    (void)cipmux_receive_room(&f->modem, event.link);
    PROMISE(cipmux_receive(&f->modem, f->now, event.link, "x", 1) == 0);
    cipmux_send_done(&f->modem, f->now, event.link, 1);
    cipmux_send_failed(&f->modem, f->now, event.link);
    settle(f);
}

static void type_some(fuzz_t *f, size_t n)
{
    if (n > f->input.size) n = f->input.size;
    const uint8_t *bytes = f->input.data;
    f->input.data += n;
    f->input.size -= n;
    type(f, bytes, n);
}

/* The UART has its new rate: until then nothing is printed and no byte is taken. */
static void answer_line(fuzz_t *f)
{
    cipmux_event_t event = { .kind = CIPMUX_EVENT_LINE_SET };
    f->line = tell(f, &event, NULL) == CIPMUX_LATER;
    settle(f);
}

/* Settings were stored, or not: then the old ones stay. */
static void answer_store(fuzz_t *f, bool good)
{
    cipmux_event_t event = {
        .kind = CIPMUX_EVENT_STORED,
        .cause = good ? CIPMUX_CAUSE_NONE : CIPMUX_CAUSE_LOCAL,
        .image = f->image,
        .image_size = f->image_size,
    };
    if (good) f->image_size = cipmux_image(&f->modem, f->image);
    PROMISE(f->image_size <= CIPMUX_IMAGE_MAX);
    f->store = false;
    (void)tell(f, &event, NULL);
    settle(f);
}

static void step(fuzz_t *f)
{
    uint8_t op = next(f);
    peer_t *peer = &f->peer[op / 32 % CIPMUX_LINKS];
    switch (op % 16) {
    case 0:
    case 1:
    case 2: {
        const char *command = commands[next(f) % COMMANDS];
        type(f, command, strlen(command));
        type(f, "\r\n", 2);
        break;
    }
    case 3: type_some(f, next(f)); break;
    case 4: type(f, "+++", 3); break;
    case 5: advance(f, (uint64_t)next(f) * 1000); break;
    case 6: advance(f, (uint64_t)next(f) * next(f) * 10000); break;
    case 7: poll(f, next(f)); break;
    case 8: poll_all(f); break;
    case 9: answer_dial(f, peer, next(f) % 4 != 0); break;
    case 10: knock(f); break;
    case 11: deliver(f, peer, (size_t)next(f) * next(f) % 6000); break;
    case 12: network_takes(f, peer, (size_t)next(f) * 16); break;
    case 13: end_link(f, peer); break;
    case 14: answer_radio(f, next(f)); break;
    default: tell_nonsense(f); break;
    }
    if (op % 16 == 12 && peer->up) {
        cipmux_event_t event = { .kind = CIPMUX_EVENT_ACKED, .link = peer->link };
        (void)tell(f, &event, NULL);
    }
    if (f->line && next(f) % 2) answer_line(f);
    if (f->store && next(f) % 2) answer_store(f, next(f) % 4 != 0);
    if (f->listen) {
        cipmux_event_t event = { .kind = CIPMUX_EVENT_LISTENING };
        f->listen = tell(f, &event, NULL) == CIPMUX_LATER;
    }
    settle(f);
}

/* Of its own sizes, so that a byte beyond the end is seen. */
static void lend_memory(fuzz_t *f)
{
    const uint8_t choice = next(f);
    if (choice % 4 == 0) return;
    f->config.heap_size = (size_t)choice * 200;
    f->config.heap = malloc(f->config.heap_size);
    if (choice % 4 == 1) f->config.flash = calloc(1, CIPMUX_FLASH_SIZE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_t f = { .input = { data, size } };
    PROMISE(cipmux_config(&f.config, cipmux_dialect_name(next(&f) % 4)));
    f.hostile = next(&f) % 2;
    lend_memory(&f);
    cipmux_power_on(&f.modem, &f.config, f.now);
    if (next(&f) % 2) PROMISE(cipmux_use_flash(&f.modem, NULL, 0));
    advance(&f, 1000000);
    while (f.input.size > 0)
        step(&f);
    if (!f.hostile) PROMISE(cipmux_counters(&f.modem).refused_events == 0);
    /* the reset pin ends everything, and nothing stays lent */
    cipmux_event_t reset = { .kind = CIPMUX_EVENT_RESET_PIN };
    for (int i = 0; tell(&f, &reset, NULL) == CIPMUX_LATER; i++) {
        PROMISE(i < 100);
        settle(&f);
        poll_all(&f);
    }
    settle(&f);
    poll_all(&f);
    for (int i = 0; i < CIPMUX_LINKS; i++)
        PROMISE(!f.peer[i].up && !f.peer[i].dialing);
    for (int i = 0; i < LOANS; i++)
        PROMISE(f.loan[i].memory == NULL);
    advance(&f, 10000000);
    type(&f, "AT\r\n", 4);
    free(f.config.heap);
    free(f.config.flash);
    return 0;
}
