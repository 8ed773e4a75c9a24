/* The simulated world against a fake modem that remembers what it was offered: the air, the network, and their words. */
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* ---- The fake modem: the functions of cipmux.h that a world calls ----------------------------------------------------- */

static struct {
    cipmux_event_t     event[64]; /* those that were taken or refused */
    cipmux_ap_t        ap[64];
    size_t             events;
    cipmux_answer_t    answer; /* to the next events */
    cipmux_link_t      assigned;
    cipmux_admission_t admission;
    size_t             room;
    uint8_t            received[32768];
    size_t             received_n;
    size_t             piece[64], pieces; /* sizes of the calls of cipmux_receive() and cipmux_datagram() */
    uint16_t           from_port;
    uint8_t            sending[32768];
    size_t             sending_n;
    cipmux_link_t      sending_link;
    cipmux_address_t   sending_to;
    size_t             send_failures;
    cipmux_phase_t     phase;
} fake;

cipmux_answer_t cipmux_event(cipmux_t *modem, uint64_t now_us, const cipmux_event_t *event, cipmux_link_t *assigned)
{
    (void)modem;
    (void)now_us;
    if (fake.answer != CIPMUX_LATER) {
        assert_true(fake.events < 64);
        fake.event[fake.events] = *event;
        if (event->ap != NULL) {
            fake.ap[fake.events] = *event->ap;
        }
        fake.events++;
    }
    if (assigned != NULL && event->kind == CIPMUX_EVENT_ACCEPT) {
        *assigned = fake.assigned;
    }
    return fake.answer;
}

size_t cipmux_receive_room(const cipmux_t *modem, cipmux_link_t handle)
{
    (void)modem;
    (void)handle;
    return fake.room;
}

size_t cipmux_receive(cipmux_t *modem, uint64_t now_us, cipmux_link_t handle, const void *bytes, size_t n)
{
    (void)modem;
    (void)now_us;
    (void)handle;
    memcpy(fake.received + fake.received_n, bytes, n);
    fake.received_n += n;
    fake.piece[fake.pieces++] = n;
    fake.room -= n;
    return n;
}

bool cipmux_datagram(cipmux_t *modem, uint64_t now_us, cipmux_link_t handle, const cipmux_address_t *from,
                     const void *bytes, size_t n)
{
    (void)modem;
    (void)now_us;
    (void)handle;
    if (n > fake.room) {
        return false;
    }
    memcpy(fake.received + fake.received_n, bytes, n);
    fake.received_n += n;
    fake.piece[fake.pieces++] = n;
    fake.from_port = from->port;
    return true;
}

cipmux_line_t cipmux_line(const cipmux_t *modem)
{
    (void)modem;
    return (cipmux_line_t){ .baud = 115200, .data_bits = 8, .stop_bits = 1 };
}
size_t cipmux_sink(cipmux_t *modem, uint64_t now_us, const void *bytes, size_t n)
{
    (void)modem, (void)now_us, (void)bytes;
    return n;
}
size_t cipmux_poll(cipmux_t *modem, uint64_t now_us, void *out, size_t capacity)
{
    (void)modem, (void)now_us, (void)out, (void)capacity;
    return 0;
}
bool cipmux_use_flash(cipmux_t *modem, const void *image, size_t n)
{
    (void)modem, (void)image, (void)n;
    return true;
}
size_t cipmux_image(const cipmux_t *modem, void *out)
{
    (void)modem, (void)out;
    return 0;
}
size_t cipmux_uart_buffer(const cipmux_t *modem, size_t *rts_at)
{
    (void)modem;
    *rts_at = 120;
    return 128;
}

size_t cipmux_link_memory(const cipmux_t *modem)
{
    (void)modem;
    return 2920;
}

bool cipmux_send_peek(const cipmux_t *modem, cipmux_link_t link, const void **out, size_t *n, cipmux_address_t *to)
{
    (void)modem;
    *out = fake.sending;
    *n = fake.sending_n;
    *to = fake.sending_to;
    return fake.sending_n > 0 && link.id == fake.sending_link.id && link.life == fake.sending_link.life;
}

void cipmux_send_done(cipmux_t *modem, uint64_t now_us, cipmux_link_t link, size_t n)
{
    (void)modem;
    (void)now_us;
    (void)link;
    fake.sending_n -= n;
}

void cipmux_send_failed(cipmux_t *modem, uint64_t now_us, cipmux_link_t link)
{
    (void)modem;
    (void)now_us;
    (void)link;
    fake.sending_n = 0;
    fake.send_failures++;
}

cipmux_admission_t cipmux_admission(const cipmux_t *modem)
{
    (void)modem;
    return fake.admission;
}

cipmux_phase_t cipmux_phase(const cipmux_t *modem)
{
    (void)modem;
    return fake.phase;
}

/* ---- Helpers --------------------------------------------------------------------------------------------------- */

static cipmux_t modem;
static world_t  world;
static char     error[200];
static uint64_t now;

static int begin(void **state)
{
    (void)state;
    memset(&fake, 0, sizeof fake);
    fake.room = 100000;
    fake.admission = CIPMUX_ADMIT_OPEN;
    now = 1000;
    world_init(&world, &modem);
    return 0;
}

static int end(void **state)
{
    (void)state;
    assert_string_equal(world_fault(&world), "");
    return 0;
}

static void say(const char *line)
{
    if (!world_say(&world, now, line, error, sizeof error)) {
        fail_msg("%s: %s", line, error);
    }
}

static void refuse_to_say(const char *line, const char *why)
{
    assert_false(world_say(&world, now, line, error, sizeof error));
    assert_string_equal(error, why);
}

static void settle(void)
{
    while (world_offer(&world, now)) {
    }
}

static void wait_us(uint64_t us)
{
    now += us;
    settle();
}

static void request(cipmux_request_t wanted)
{
    world_request(&world, now, &wanted);
    settle();
}

static const cipmux_event_t *last(cipmux_event_kind_t kind)
{
    assert_true(fake.events > 0);
    assert_int_equal(fake.event[fake.events - 1].kind, kind);
    return &fake.event[fake.events - 1];
}

static cipmux_address_t address(uint16_t port)
{
    return (cipmux_address_t){ .family = 4, .bytes = { 10, 0, 2, 2 }, .port = port };
}

static cipmux_link_t link_of(uint8_t id, uint8_t life)
{
    return (cipmux_link_t){ .id = id, .life = life };
}

static cipmux_request_t dial_request(cipmux_type_t type, uint8_t id, uint16_t port)
{
    return (cipmux_request_t){ .kind = CIPMUX_REQUEST_DIAL,
                               .link = link_of(id, 1),
                               .dial = { .type = type, .to = address(port) } };
}

static void dial(uint8_t id, uint16_t port)
{
    request(dial_request(CIPMUX_TCP, id, port));
}

static void hang_up(uint8_t id, bool reset)
{
    request(
        (cipmux_request_t){ .kind = CIPMUX_REQUEST_HANG_UP, .link = link_of(id, 1), .hang_up = { .reset = reset } });
}

static void give_back(uint8_t id)
{
    request((cipmux_request_t){ .kind = CIPMUX_REQUEST_RETURN, .link = link_of(id, 1) });
}

static void send_bytes(uint8_t id, const char *text, uint16_t to_port)
{
    fake.sending_n = strlen(text);
    memcpy(fake.sending, text, fake.sending_n);
    fake.sending_link = link_of(id, 1);
    fake.sending_to = address(to_port);
    settle();
}

static cipmux_request_t join_request(const char *ssid, const char *password)
{
    return (cipmux_request_t){ .kind = CIPMUX_REQUEST_JOIN,
                               .ticket = 7,
                               .join = { .ssid = (const uint8_t *)ssid,
                                         .ssid_length = (uint8_t)strlen(ssid),
                                         .password = (const uint8_t *)password,
                                         .password_length = (uint8_t)strlen(password),
                                         .any_bssid = true,
                                         .dhcp = true } };
}

static void join(const char *ssid, const char *password)
{
    request(join_request(ssid, password));
}

/* ---- The air --------------------------------------------------------------------------------------------------- */

static void test_scan(void **state)
{
    (void)state;
    say("ap ssid=\"far\" bssid=02:00:00:00:00:09 channel=11 rssi=-90 offset=-7 freqcal=3 wps=1");
    say("ap ssid=\"secret\" password=\"12345678\" ecn=4 hidden");
    cipmux_request_t scan = { .kind = CIPMUX_REQUEST_SCAN,
                              .ticket = 5,
                              .scan = { .duration_ms = 2000, .any_bssid = true } };
    request(scan);
    assert_int_equal(fake.events, 0);
    assert_true(world_deadline(&world, now) == now + 2000000);
    wait_us(2000000);
    assert_int_equal(fake.events, 4);
    assert_int_equal(fake.ap[0].channel, 6);
    assert_int_equal(fake.ap[0].security, 3);
    assert_int_equal(fake.ap[1].rssi, -90);
    assert_int_equal(fake.ap[1].security, 0);
    assert_int_equal(fake.ap[1].freq_offset, -7);
    assert_int_equal(fake.ap[1].freqcal, 3);
    assert_int_equal(fake.ap[1].wps, 1);
    assert_int_equal(fake.ap[2].ssid_length, 0); /* hidden */
    assert_int_equal(fake.ap[2].security, 4);
    assert_int_equal(last(CIPMUX_EVENT_SCAN_DONE)->cause, CIPMUX_CAUSE_NONE);
    assert_int_equal(last(CIPMUX_EVENT_SCAN_DONE)->ticket, 5);
    assert_true(world_deadline(&world, now) == CIPMUX_NEVER);
}

static size_t scan_finds(cipmux_request_t scan)
{
    fake.events = 0;
    scan.kind = CIPMUX_REQUEST_SCAN;
    request(scan);
    last(CIPMUX_EVENT_SCAN_DONE);
    return fake.events - 1;
}

static void test_scan_filters(void **state)
{
    (void)state;
    const uint8_t *name = (const uint8_t *)"secret";
    say("ap ssid=\"secret\" bssid=02:00:00:00:00:09 channel=11 hidden");
    assert_int_equal(scan_finds((cipmux_request_t){ .scan = { .any_bssid = true, .channel = 6 } }), 1);
    assert_int_equal(scan_finds((cipmux_request_t){ .scan = { .any_bssid = true, .channel = 7 } }), 0);
    assert_int_equal(scan_finds((cipmux_request_t){ .scan = { .bssid = { 2, 0, 0, 0, 0, 9 } } }), 1);
    assert_int_equal(scan_finds((cipmux_request_t){ .scan = { .any_bssid = true, .ssid = name, .ssid_length = 6 } }),
                     1);
    assert_int_equal(fake.ap[0].ssid_length, 6); /* who knows the name is told it */
    say("ap-gone ssid=\"lab\"");
    assert_int_equal(scan_finds((cipmux_request_t){ .scan = { .any_bssid = true } }), 1);
    say("no-aps");
    assert_int_equal(scan_finds((cipmux_request_t){ .scan = { .any_bssid = true } }), 0);
}

static void test_scan_order_and_channels(void **state)
{
    (void)state;
    say("ap ssid=\"strong\" bssid=02:00:00:00:00:09 channel=11 rssi=-40");
    say("ap ssid=\"edge\" bssid=02:00:00:00:00:0a channel=14 rssi=-95");
    say("ap ssid=\"weak\" bssid=02:00:00:00:00:0b channel=1 rssi=-96");
    assert_int_equal(scan_finds((cipmux_request_t){ .scan = { .any_bssid = true, .by_signal = true } }), 3);
    assert_int_equal(fake.ap[0].rssi, -40);
    assert_int_equal(fake.ap[1].rssi, -50);
    assert_int_equal(fake.ap[2].rssi, -95);
    assert_int_equal(scan_finds((cipmux_request_t){ .scan = { .any_bssid = true } }), 3);
    assert_int_equal(fake.ap[0].rssi, -50);
    cipmux_request_t some = { .scan = { .any_bssid = true, .first_channel = 1, .channels = 13 } };
    assert_int_equal(scan_finds(some), 2);
    some.scan.first_channel = 7;
    some.scan.channels = 7;
    assert_int_equal(scan_finds(some), 1);
    assert_int_equal(fake.ap[0].channel, 11);
}

static void test_scan_refused(void **state)
{
    (void)state;
    say("scan refused");
    request((cipmux_request_t){ .kind = CIPMUX_REQUEST_SCAN, .scan = { .duration_ms = 100, .any_bssid = true } });
    assert_int_equal(last(CIPMUX_EVENT_SCAN_DONE)->cause, CIPMUX_CAUSE_LOCAL);
    assert_int_equal(fake.events, 1);
}

static void test_join(void **state)
{
    (void)state;
    cipmux_request_t wanted = join_request("lab", "password");
    wanted.join.associate_ms = 50;
    wanted.join.lease_ms = 10;
    request(wanted);
    wait_us(49999);
    assert_int_equal(fake.events, 0);
    wait_us(1);
    assert_int_equal(fake.ap[0].channel, 6);
    assert_int_equal(last(CIPMUX_EVENT_JOINED)->ticket, 7);
    assert_non_null(radio_joined(&world.radio, &world.station));
    wait_us(9999);
    assert_int_equal(fake.events, 1);
    wait_us(1);
    const uint8_t         ip[4] = { 10, 0, 2, 15 }, gateway[4] = { 10, 0, 2, 2 }, netmask[4] = { 255, 255, 255, 0 };
    const cipmux_event_t *lease = last(CIPMUX_EVENT_LEASE);
    assert_memory_equal(lease->address.bytes, ip, 4);
    assert_memory_equal(lease->gateway, gateway, 4);
    assert_memory_equal(lease->netmask, netmask, 4);
}

static void test_join_fails(void **state)
{
    (void)state;
    join("lab", "wrong");
    assert_int_equal(last(CIPMUX_EVENT_LOST)->cause, CIPMUX_CAUSE_PASSWORD);
    join("lab", "passwor");
    assert_int_equal(last(CIPMUX_EVENT_LOST)->cause, CIPMUX_CAUSE_PASSWORD);
    join("nobody", "password");
    assert_int_equal(last(CIPMUX_EVENT_LOST)->cause, CIPMUX_CAUSE_NO_AP);
    say("ap ssid=\"lab\" bssid=02:00:00:00:00:01 refuses");
    join("lab", "password");
    assert_int_equal(last(CIPMUX_EVENT_LOST)->cause, CIPMUX_CAUSE_JOIN_REFUSED);
    say("ap ssid=\"lab\" bssid=02:00:00:00:00:01 refuses=no silent");
    fake.events = 0;
    join("lab", "password");
    wait_us(3600000000u);
    assert_int_equal(fake.events, 0);
    assert_true(world_deadline(&world, now) == CIPMUX_NEVER);
    assert_null(radio_joined(&world.radio, &world.station));
}

static void test_open_access_points(void **state)
{
    (void)state;
    say("ap ssid=\"open\"");
    join("open", "anything");
    last(CIPMUX_EVENT_LEASE);
    cipmux_request_t careful = join_request("open", "");
    careful.join.refuse_open = true;
    request(careful);
    assert_int_equal(last(CIPMUX_EVENT_LOST)->cause, CIPMUX_CAUSE_NO_AP);
}

static void test_which_of_several(void **state)
{
    (void)state;
    say("ap ssid=\"lab\" password=\"password\" rssi=-30 bssid=02:00:00:00:00:07");
    join("lab", "password");
    assert_int_equal(fake.ap[0].bssid[5], 1);
    cipmux_request_t wanted = join_request("lab", "password");
    wanted.join.strongest = true;
    fake.events = 0;
    request(wanted);
    assert_int_equal(fake.ap[0].bssid[5], 7);
    wanted.join.any_bssid = false;
    memcpy(wanted.join.bssid, "\x02\0\0\0\0\x01", 6);
    fake.events = 0;
    request(wanted);
    assert_int_equal(fake.ap[0].bssid[5], 1);
}

static void test_slow_and_silent_dhcp(void **state)
{
    (void)state;
    say("ap ssid=\"slow\" after=2s dhcp=3s address=192.168.7.5 gateway=192.168.7.1 netmask=255.255.0.0");
    say("ap ssid=\"mute\" dhcp=never");
    join("slow", "");
    wait_us(1999999);
    assert_int_equal(fake.events, 0);
    wait_us(1);
    last(CIPMUX_EVENT_JOINED);
    wait_us(2999999);
    assert_int_equal(fake.events, 1);
    wait_us(1);
    assert_int_equal(last(CIPMUX_EVENT_LEASE)->address.bytes[2], 7);
    assert_int_equal(last(CIPMUX_EVENT_LEASE)->netmask[2], 0);
    join("mute", "");
    wait_us(3600000000u);
    last(CIPMUX_EVENT_JOINED);
}

static void test_the_station_is_lost(void **state)
{
    (void)state;
    static const char *const losses[] = { "kick", "ap-gone ssid=\"lab\"", "no-aps" };
    for (size_t i = 0; i < 3; i++) {
        begin(NULL);
        join("lab", "password");
        say(losses[i]);
        settle();
        assert_int_equal(last(CIPMUX_EVENT_LOST)->cause, CIPMUX_CAUSE_AP_LOST);
        size_t events = fake.events;
        settle();
        assert_int_equal(fake.events, events);
        join("lab", "password");
        last(i == 0 ? CIPMUX_EVENT_LEASE : CIPMUX_EVENT_LOST);
    }
    begin(NULL);
    join("lab", "password");
    say("ap-gone ssid=\"lab\"");
    say("ap-back ssid=\"lab\""); /* too short to be seen? the association is gone all the same */
    settle();
    last(CIPMUX_EVENT_LOST);
    join("lab", "password");
    last(CIPMUX_EVENT_LEASE);
}

static void test_leave_and_radio_off(void **state)
{
    (void)state;
    join("lab", "password");
    fake.events = 0;
    request((cipmux_request_t){ .kind = CIPMUX_REQUEST_LEAVE });
    say("kick");
    settle();
    assert_int_equal(fake.events, 0);
    cipmux_request_t slow = join_request("lab", "password");
    slow.join.associate_ms = 100;
    request(slow);
    request((cipmux_request_t){ .kind = CIPMUX_REQUEST_RADIO });
    wait_us(1000000);
    assert_int_equal(fake.events, 0);
}

static void test_later_is_offered_again(void **state)
{
    (void)state;
    fake.answer = CIPMUX_LATER;
    request((cipmux_request_t){ .kind = CIPMUX_REQUEST_SCAN, .scan = { .any_bssid = true } });
    join("lab", "password");
    dial(0, 5000);
    assert_int_equal(fake.events, 0);
    assert_true(world_deadline(&world, now) == CIPMUX_NEVER); /* it waits for the modem, not for time */
    fake.answer = CIPMUX_TAKEN;
    settle();
    assert_int_equal(fake.events, 5);
}

static void test_two_stations_share_the_air(void **state)
{
    (void)state;
    radio_station_t  other;
    cipmux_request_t wanted = join_request("lab", "password");
    radio_station_init(&other, 1);
    join("lab", "password");
    radio_request(&world.radio, &other, now, &wanted);
    assert_true(radio_offer(&world.radio, &other, now, &modem));
    assert_int_equal(last(CIPMUX_EVENT_LEASE)->address.bytes[3], 16);
    say("kick");
    assert_true(radio_offer(&world.radio, &other, now, &modem));
    last(CIPMUX_EVENT_LOST);
    assert_true(world_offer(&world, now));
    last(CIPMUX_EVENT_LOST);
}

/* ---- The modems' soft-APs -------------------------------------------------------------------------------------- */

static cipmux_request_t soft_ap_request(uint16_t ticket)
{
    return (cipmux_request_t){ .kind = CIPMUX_REQUEST_SOFT_AP,
                               .ticket = ticket,
                               .soft_ap = { .lease_ms = 10,
                                            .silence_ms = 300000,
                                            .ssid = (const uint8_t *)"mine",
                                            .ssid_length = 4,
                                            .password = (const uint8_t *)"12345678",
                                            .password_length = 8,
                                            .channel = 5,
                                            .security = 4,
                                            .max_stations = 2,
                                            .mac = { 0x5e, 0xcf, 0x7f, 0, 0, 1 },
                                            .address = { 192, 168, 4, 1 },
                                            .netmask = { 255, 255, 255, 0 },
                                            .dhcp = true,
                                            .lease_min = 2,
                                            .first = { 192, 168, 4, 2 },
                                            .last = { 192, 168, 4, 3 } } };
}

static void check_event(size_t i, cipmux_event_kind_t kind, uint8_t mac, uint8_t ip)
{
    assert_true(i < fake.events);
    assert_int_equal(fake.event[i].kind, kind);
    assert_int_equal(fake.event[i].ticket, 9);
    assert_int_equal(fake.event[i].mac[5], mac);
    assert_int_equal(fake.event[i].address.bytes[3], ip);
}

static void test_members_of_a_soft_ap(void **state)
{
    (void)state;
    say("station one ssid=\"mine\" password=\"12345678\"");
    say("station two ssid=\"mine\" password=\"12345678\"");
    say("station late ssid=\"mine\" password=\"12345678\"");
    say("station wrong ssid=\"mine\" password=\"123456789\"");
    settle();
    assert_int_equal(fake.events, 0);
    request(soft_ap_request(9));
    assert_int_equal(fake.events, 2);
    check_event(0, CIPMUX_EVENT_STATION_JOINED, 1, 0);
    check_event(1, CIPMUX_EVENT_STATION_JOINED, 2, 0);
    assert_true(world_deadline(&world, now) == now + 10000);
    wait_us(10000);
    check_event(2, CIPMUX_EVENT_STATION_LEASED, 1, 2);
    check_event(3, CIPMUX_EVENT_STATION_LEASED, 2, 3);
    wait_us(60000000); /* half of the lease */
    check_event(4, CIPMUX_EVENT_STATION_LEASED, 1, 2);
    assert_int_equal(fake.events, 6);
    request((cipmux_request_t){ .kind = CIPMUX_REQUEST_KICK, .kick = { .mac = { 2, 0, 0, 0, 1, 1 } } });
    check_event(6, CIPMUX_EVENT_STATION_LEFT, 1, 2);
    check_event(7, CIPMUX_EVENT_STATION_JOINED, 3, 0);
    say("station-is one out");
    say("station-is late joined");
    say("station-is wrong out");
    request(soft_ap_request(10)); /* starts anew: nobody is told of those who were there */
    for (size_t i = 8; i < fake.events; i++) {
        assert_int_equal(fake.event[i].ticket, 10);
    }
    request((cipmux_request_t){ .kind = CIPMUX_REQUEST_RADIO, .radio = { .station = true } });
    say("station-is two out");
}

static void test_a_modem_joins_a_modems_soft_ap(void **state)
{
    (void)state;
    radio_station_t  other;
    cipmux_request_t wanted = join_request("mine", "12345678");
    wanted.join.mac[0] = 0x5c;
    wanted.join.mac[5] = 2;
    wanted.join.lease_ms = 10;
    radio_station_init(&other, 1);
    request(soft_ap_request(9));
    assert_int_equal(scan_finds((cipmux_request_t){ .scan = { .any_bssid = true } }),
                     1); /* its own is not among them */
    fake.events = 0;
    uint32_t changes = world.radio.changes;
    radio_request(&world.radio, &other, now, &wanted);
    assert_true(radio_offer(&world.radio, &other, now, &modem));
    last(CIPMUX_EVENT_JOINED);
    assert_int_equal(fake.ap[0].bssid[0], 0x5e);
    assert_int_equal(fake.ap[0].pairwise, 5);
    assert_true(world.radio.changes != changes); /* the soft-AP's modem has something to hear */
    fake.events = 0;
    settle();
    check_event(0, CIPMUX_EVENT_STATION_JOINED, 2, 0);
    now += 10000;
    assert_true(radio_offer(&world.radio, &other, now, &modem));
    assert_int_equal(last(CIPMUX_EVENT_LEASE)->address.bytes[3], 2);
    assert_int_equal(last(CIPMUX_EVENT_LEASE)->gateway[3], 1);
    fake.events = 0;
    settle();
    check_event(0, CIPMUX_EVENT_STATION_LEASED, 2, 2);
    request((cipmux_request_t){ .kind = CIPMUX_REQUEST_KICK, .kick = { .mac = { 0x5c, 0, 0, 0, 0, 2 } } });
    check_event(1, CIPMUX_EVENT_STATION_LEFT, 2, 2);
    assert_true(radio_offer(&world.radio, &other, now, &modem));
    last(CIPMUX_EVENT_LOST);
    wanted.join.dhcp = false; /* now with an address of its own */
    memcpy(wanted.join.address, "\xc0\xa8\x04\x32", 4);
    radio_request(&world.radio, &other, now, &wanted);
    assert_true(radio_offer(&world.radio, &other, now, &modem));
    last(CIPMUX_EVENT_JOINED);
    fake.events = 0;
    wait_us(1000000);
    assert_int_equal(fake.events, 1);
    radio_request(&world.radio, &other, now, &(cipmux_request_t){ .kind = CIPMUX_REQUEST_LEAVE });
    settle();
    check_event(1, CIPMUX_EVENT_STATION_LEFT, 2, 50);
}

/* What `station` sees of `other`, as the last number of its address; 0: it is not on that network. */
static uint8_t seen(const radio_station_t *station, bool by_soft_ap, const radio_station_t *other)
{
    uint8_t ip[4];
    return radio_neighbour(&world.radio, station, by_soft_ap, other, ip) ? ip[3] : 0;
}

static void settle_station(radio_station_t *station)
{
    while (radio_offer(&world.radio, station, now, &modem)) {
    }
}

static void join_as(radio_station_t *station, const char *ssid, const char *password)
{
    cipmux_request_t wanted = join_request(ssid, password);
    wanted.join.mac[5] = (uint8_t)(station->number + 1);
    radio_request(&world.radio, station, now, &wanted);
    settle_station(station);
}

static void test_who_is_on_whose_network(void **state)
{
    (void)state;
    radio_station_t *own = &world.station, other, third;
    uint8_t          ip[4] = { 0 };
    radio_station_init(&other, 1);
    radio_station_init(&third, 2);
    request(soft_ap_request(9));
    say("ap ssid=\"else\"");
    join_as(&other, "mine", "12345678");
    assert_int_equal(seen(own, true, &other), 2);
    assert_int_equal(seen(own, false, &other), 0);
    assert_int_equal(seen(&other, false, own), 1);
    assert_int_equal(seen(&other, true, own), 0);
    assert_true(radio_is_guest(&world.radio, &other));
    assert_false(radio_has_guest(&world.radio, own, true, ip)); /* a modem is none of the words' */
    say("station phone ssid=\"mine\" password=\"12345678\" address=192.168.4.9");
    settle();
    assert_true(radio_has_guest(&world.radio, own, true, ip) && ip[3] == 9);
    assert_true(radio_has_guest(&world.radio, &other, false, ip));
    ip[3] = 8;
    assert_false(radio_has_guest(&world.radio, own, true, ip));
    join_as(&third, "lab", "password");
    assert_int_equal(seen(&third, false, &other), 0);
    radio_request(&world.radio, &other, now, &(cipmux_request_t){ .kind = CIPMUX_REQUEST_LEAVE });
    assert_int_equal(seen(own, true, &other), 0);
    assert_int_equal(seen(&other, false, own), 0);
    join_as(&other, "else", "");
    assert_int_equal(seen(&third, false, &other), 0); /* another network */
    join_as(&other, "lab", "password");
    assert_int_equal(seen(&third, false, &other), 16);
    assert_int_equal(seen(&other, false, &third), 17);
    cipmux_request_t own_address = { .kind = CIPMUX_REQUEST_ADDRESS, .address.address = { 10, 0, 2, 99 } };
    radio_request(&world.radio, &other, now, &own_address);
    assert_int_equal(seen(&third, false, &other), 99);
    say("ap-gone ssid=\"lab\"");
    assert_int_equal(seen(&third, false, &other), 0);
}

static void test_words_of_the_air(void **state)
{
    (void)state;
    refuse_to_say("ap channel=6", "column 1: ap needs ssid=TEXT");
    refuse_to_say("ap ssid=\"\"", "column 9: expected a name of 1 to 32 bytes, not \"\"");
    refuse_to_say("ap ssid=\"x\" channel=15", "column 21: expected a number from 1 to 14, not \"15\"");
    refuse_to_say("ap ssid=\"x\" colour=red", "column 20: this verb does not know \"colour=red\"");
    refuse_to_say("ap ssid=\"x\" dhcp=often", "column 18: expected never, or a time such as 2s, not \"often\"");
    refuse_to_say("ap-gone ssid=\"x\"", "column 14: expected the name of an access point, not \"x\"");
    refuse_to_say("station", "column 8: expected a name, not the end of the line");
    refuse_to_say("station x mac=02:00:00:00:00:09", "column 1: station x needs ssid=TEXT");
    refuse_to_say("station x ssid=\"y\" dhcp=often", "column 25: expected never, or a time such as 2s, not \"often\"");
    refuse_to_say("station-leaves x", "column 16: expected the name of a station, not \"x\"");
    refuse_to_say("scan maybe", "column 6: expected refused or ok, not \"maybe\"");
    assert_int_equal(scan_finds((cipmux_request_t){ .scan = { .any_bssid = true } }), 1); /* nothing of it stayed */
    for (int i = 0; i < RADIO_APS - 1; i++) {
        say("ap ssid=\"x\"");
    }
    refuse_to_say("ap ssid=\"x\"", "column 1: more than 32 access points");
    say("ap ssid=\"x\" bssid=02:00:00:00:00:02 channel=9"); /* a change of one still fits */
}

/* ---- Dialling -------------------------------------------------------------------------------------------------- */

static void test_dial(void **state)
{
    (void)state;
    say("listen p 10.0.2.2:5000 after=20ms");
    dial(0, 5000);
    assert_int_equal(fake.events, 0);
    assert_true(world_deadline(&world, now) == now + 20000);
    refuse_to_say("p sends \"x\"", "column 3: p is not connected");
    wait_us(20000);
    const cipmux_event_t *up = last(CIPMUX_EVENT_UP);
    assert_int_equal(up->address.port, 5000);
    assert_int_equal(up->local_port, 49153);
    assert_int_equal(up->memory_size, 2920);
    say("p connected");
    say("p open");
    dial(1, 5000);
    wait_us(20000);
    assert_int_equal(last(CIPMUX_EVENT_UP)->local_port, 49154);
    assert_ptr_not_equal(up->memory, last(CIPMUX_EVENT_UP)->memory);
    say("p.2 connected");
    refuse_to_say("p.3 connected", "column 1: there is no peer p.3 (yet)");
    hang_up(0, false);
    hang_up(1, true);
    say("p closed");
    say("p.2 reset");
    refuse_to_say("p open", "column 3: p is closed by the modem");
    refuse_to_say("p.2 closed", "column 5: p.2 is reset by the modem");
    give_back(0);
    give_back(1);
}

static void dial_fails(const char *words_of_place, cipmux_type_t type, cipmux_cause_t cause)
{
    begin(NULL);
    say(words_of_place);
    request(dial_request(type, 2, 5000));
    assert_int_equal(last(CIPMUX_EVENT_FAILED)->cause, cause);
    assert_int_equal(last(CIPMUX_EVENT_FAILED)->link.id, 2);
    assert_int_equal(fake.events, 1);
}

static void test_dial_fails(void **state)
{
    (void)state;
    dial_fails("", CIPMUX_TCP, CIPMUX_CAUSE_REFUSED);
    dial_fails("refuse 10.0.2.2:5000", CIPMUX_TCP, CIPMUX_CAUSE_REFUSED);
    dial_fails("reset 10.0.2.2:5000", CIPMUX_TCP, CIPMUX_CAUSE_RESET);
    dial_fails("no-memory 10.0.2.2:5000", CIPMUX_TCP, CIPMUX_CAUSE_LOCAL);
    dial_fails("no-memory 10.0.2.2:5000", CIPMUX_UDP, CIPMUX_CAUSE_LOCAL);
    dial_fails("no-tls 10.0.2.2:5000", CIPMUX_SSL, CIPMUX_CAUSE_TLS);
    begin(NULL);
    say("refuse 10.0.2.2:5000 after=3s");
    dial(0, 5000);
    wait_us(2999999);
    assert_int_equal(fake.events, 0);
    wait_us(1);
    last(CIPMUX_EVENT_FAILED);
}

static void test_dial_is_given_up(void **state)
{
    (void)state;
    say("silent 10.0.2.2:5000");
    dial(0, 5000);
    wait_us(3600000000u);
    assert_int_equal(fake.events, 0);
    hang_up(0, false); /* no memory was lent, so none comes back */
    say("listen p 10.0.2.2:5000");
    dial(0, 5000);
    last(CIPMUX_EVENT_UP);
}

static void test_dial_from_the_soft_ap(void **state)
{
    (void)state;
    say("listen p 10.0.2.2:5000");
    cipmux_request_t wanted = dial_request(CIPMUX_TCP, 0, 5000);
    wanted.dial.route = CIPMUX_NO_ROUTE;
    request(wanted);
    assert_int_equal(last(CIPMUX_EVENT_FAILED)->cause, CIPMUX_CAUSE_UNREACHABLE);
    wanted.dial.route = CIPMUX_BY_SOFT_AP;
    say("listen q 192.168.4.7:5000");
    memcpy(wanted.dial.to.bytes, "\xc0\xa8\x04\x07", 4);
    request(wanted);
    last(CIPMUX_EVENT_UP);
}

static void test_names(void **state)
{
    (void)state;
    cipmux_request_t lookup = { .kind = CIPMUX_REQUEST_RESOLVE,
                                .ticket = 3,
                                .resolve = { .name = "Example.com:80", .length = 11 } };
    request(lookup);
    assert_int_equal(last(CIPMUX_EVENT_RESOLVED)->address.family, 0);
    say("name example.com 192.0.2.34 after=1s");
    request(lookup);
    wait_us(999999);
    assert_int_equal(fake.events, 1);
    wait_us(1);
    assert_int_equal(last(CIPMUX_EVENT_RESOLVED)->address.bytes[3], 34);
    assert_int_equal(last(CIPMUX_EVENT_RESOLVED)->ticket, 3);
    lookup.resolve.family = 6;
    request(lookup);
    wait_us(1000000);
    assert_int_equal(last(CIPMUX_EVENT_RESOLVED)->address.family, 0);
    say("name example.com none");
    lookup.resolve.family = 4;
    request(lookup);
    assert_int_equal(last(CIPMUX_EVENT_RESOLVED)->address.family, 0);
    say("dns dead");
    fake.events = 0;
    request(lookup);
    wait_us(3600000000u);
    assert_int_equal(fake.events, 0);
    say("dns ok");
    request(lookup);
    last(CIPMUX_EVENT_RESOLVED);
}

/* ---- Clients --------------------------------------------------------------------------------------------------- */

static void listen_at(uint16_t port)
{
    request((cipmux_request_t){ .kind = CIPMUX_REQUEST_LISTEN, .listen = { .port = port, .family = 4 } });
    last(CIPMUX_EVENT_LISTENING);
}

static void test_clients(void **state)
{
    (void)state;
    say("not-listening 80");
    say("client early to 80");
    settle();
    say("early refused");
    listen_at(80);
    say("listening 80");
    say("not-listening 81");
    refuse_to_say("not-listening 80", "column 1: port 80 is open");
    fake.assigned = link_of(3, 1);
    say("client c to 80");
    settle();
    assert_int_equal(last(CIPMUX_EVENT_ACCEPT)->address.port, 50002);
    assert_int_equal(last(CIPMUX_EVENT_ACCEPT)->local_port, 80);
    say("c connected");
    say("c sends \"hi\"");
    settle();
    assert_memory_equal(fake.received, "hi", 2);
    send_bytes(3, "there", 0);
    say("c got \"there\"");
    refuse_to_say("client c to 80", "column 8: there is a peer c already");
    say("client d to 80 from=192.168.4.9:1234");
    fake.assigned = link_of(4, 1);
    settle();
    assert_int_equal(last(CIPMUX_EVENT_ACCEPT)->address.bytes[0], 192);
    assert_int_equal(last(CIPMUX_EVENT_ACCEPT)->address.port, 1234);
    request((cipmux_request_t){ .kind = CIPMUX_REQUEST_UNLISTEN });
    refuse_to_say("listening 80", "column 1: port 80 is closed");
    say("c open");
}

static void knock(cipmux_admission_t admission, cipmux_answer_t answer, const char *then)
{
    begin(NULL);
    listen_at(80);
    fake.admission = admission;
    fake.answer = answer;
    say("client c to 80");
    settle();
    say(then);
}

static void test_clients_are_turned_away(void **state)
{
    (void)state;
    knock(CIPMUX_ADMIT_NOBODY, CIPMUX_TAKEN, "c refused");
    knock(CIPMUX_ADMIT_RESET, CIPMUX_TAKEN, "c reset");
    knock(CIPMUX_ADMIT_SILENT, CIPMUX_TAKEN, "c unanswered");
    knock(CIPMUX_ADMIT_FIN, CIPMUX_TAKEN, "c closed");
    knock(CIPMUX_ADMIT_FIN, CIPMUX_TAKEN, "c connected");
    knock(CIPMUX_ADMIT_OPEN, CIPMUX_REFUSED, "c refused");
    knock(CIPMUX_ADMIT_OPEN, CIPMUX_LATER, "c unanswered");
    refuse_to_say("c connected", "column 3: c is still knocking");
    fake.answer = CIPMUX_TAKEN;
    settle();
    say("c connected");
}

static void test_server_fails(void **state)
{
    (void)state;
    say("server fails");
    listen_at(80);
    assert_int_equal(last(CIPMUX_EVENT_LISTENING)->cause, CIPMUX_CAUSE_LOCAL);
    say("not-listening 80");
    listen_at(80);
    assert_int_equal(last(CIPMUX_EVENT_LISTENING)->cause, CIPMUX_CAUSE_NONE);
    say("listening 80");
}

/* ---- Bytes of a connection -------------------------------------------------------------------------------------------- */

static void connect_p(void)
{
    say("listen p 10.0.2.2:5000");
    dial(0, 5000);
    last(CIPMUX_EVENT_UP);
}

static void test_a_send_is_a_segment(void **state)
{
    (void)state;
    connect_p();
    say("p sends \"abc\"");
    say("p sends \"\\xffdefg\"");
    settle();
    assert_int_equal(fake.pieces, 2);
    assert_int_equal(fake.piece[0], 3);
    assert_memory_equal(fake.received,
                        "abc\xff"
                        "defg",
                        8);
}

static void test_a_segment_waits_for_room(void **state)
{
    (void)state;
    connect_p();
    fake.room = 2920;
    say("p sends 5000");
    settle();
    assert_int_equal(fake.received_n, 2920);
    assert_int_equal(fake.pieces, 2);
    say("p unread 2080");
    refuse_to_say("p unread 0", "column 10: the modem has not taken 2080 bytes of p");
    fake.room = 1459;
    settle();
    assert_int_equal(fake.received_n, 2920); /* no segment is split for a small window */
    say("p closes");
    fake.room = 1460;
    settle();
    assert_int_equal(fake.received_n, 4380);
    assert_int_equal(fake.events, 1); /* the FIN stands behind the rest */
    fake.room = 700;
    settle();
    assert_int_equal(fake.received_n, 5000);
    assert_int_equal(last(CIPMUX_EVENT_ENDED)->cause, CIPMUX_CAUSE_FIN);
    for (size_t i = 0; i < 5000; i++) {
        assert_int_equal(fake.received[i], i % 251);
    }
}

static void test_reset_loses_what_had_no_room(void **state)
{
    (void)state;
    connect_p();
    fake.room = 0;
    say("p sends \"abc\"");
    settle();
    say("p resets");
    settle();
    assert_int_equal(last(CIPMUX_EVENT_ENDED)->cause, CIPMUX_CAUSE_RESET);
    say("p unread 0");
    refuse_to_say("p sends \"x\"", "column 3: p has nothing to send or has closed");
}

static void test_got(void **state)
{
    (void)state;
    connect_p();
    say("p got nothing");
    send_bytes(0, "ab", 0);
    send_bytes(0, "c\r", 0);
    refuse_to_say("p got nothing", "column 7: p got other bytes (4 bytes, port 0): \"abc\\r\"");
    refuse_to_say("p got \"ab\"", "column 7: p got other bytes (4 bytes, port 0): \"abc\\r\"");
    say("p got \"abc\\r\"");
    say("p got nothing");
    refuse_to_say("p got \"a\"", "column 7: p got nothing (0 bytes, port 0): \"\"");
    fake.sending_n = 600;
    for (size_t i = 0; i < 600; i++) {
        fake.sending[i] = (uint8_t)(i % 251);
    }
    settle();
    say("p got 600");
    refuse_to_say("p got abc", "column 7: expected \"text\" or a number of bytes, not \"abc\"");
}

static void watch(uint8_t id)
{
    request((cipmux_request_t){ .kind = CIPMUX_REQUEST_WATCH, .link = link_of(id, 1) });
}

static void test_acknowledgements(void **state)
{
    (void)state;
    connect_p();
    send_bytes(0, "ab", 0);
    watch(0);
    last(CIPMUX_EVENT_ACKED);
    say("p holds-acks");
    send_bytes(0, "cd", 0);
    watch(0);
    assert_int_equal(fake.events, 2);
    say("p got \"abcd\"");
    say("p acks");
    settle();
    last(CIPMUX_EVENT_ACKED);
    assert_int_equal(fake.events, 3);
    send_bytes(0, "ef", 0);
    watch(0);
    assert_int_equal(fake.events, 4);
}

static void test_a_stalled_peer_takes_nothing(void **state)
{
    (void)state;
    connect_p();
    say("p stalls");
    send_bytes(0, "ab", 0);
    say("p got nothing");
    assert_int_equal(fake.events, 1);
    assert_int_equal(fake.sending_n, 2);
    say("p resumes");
    settle();
    say("p got \"ab\"");
    watch(0);
    settle();
    last(CIPMUX_EVENT_ACKED);
}

static void test_the_modems_stack_has_no_memory(void **state)
{
    (void)state;
    connect_p();
    say("p no-memory");
    send_bytes(0, "ab", 0);
    assert_int_equal(fake.send_failures, 1);
    send_bytes(0, "cd", 0);
    assert_int_equal(fake.send_failures, 1);
    say("p got \"cd\"");
}

static void test_nodelay(void **state)
{
    (void)state;
    connect_p();
    say("p nodelay no");
    request((cipmux_request_t){ .kind = CIPMUX_REQUEST_OPTION, .link = link_of(0, 1), .option = { .nodelay = true } });
    say("p nodelay yes");
    refuse_to_say("p nodelay no", "column 3: p has TCP_NODELAY on");
}

static void test_dialled_as(void **state)
{
    (void)state;
    connect_p();
    say("p dialled-as \"\"");
    say("listen q 10.0.2.2:443");
    cipmux_request_t named = dial_request(CIPMUX_SSL, 1, 443);
    named.dial.name = "www.example.com:443";
    named.dial.name_length = 15;
    request(named);
    say("q dialled-as www.example.com");
    refuse_to_say("q dialled-as www.example.co", "column 14: q was dialled as \"www.example.com\"");
}

static void test_a_peer_vanishes(void **state)
{
    (void)state;
    cipmux_request_t wanted = dial_request(CIPMUX_TCP, 0, 5000);
    wanted.dial.keepalive_s = 10;
    say("listen p 10.0.2.2:5000");
    request(wanted);
    dial(1, 5000);
    say("p vanishes");
    say("p.2 vanishes");
    assert_true(world_deadline(&world, now) == now + 13000000);
    wait_us(13000000);
    assert_int_equal(last(CIPMUX_EVENT_ENDED)->cause, CIPMUX_CAUSE_TIMEOUT);
    assert_int_equal(last(CIPMUX_EVENT_ENDED)->link.id, 0);
    assert_true(world_deadline(&world, now) == CIPMUX_NEVER); /* without keepalive and payload nobody notices */
    send_bytes(1, "ab", 0);
    watch(1);
    wait_us(NET_GIVE_UP_US);
    assert_int_equal(last(CIPMUX_EVENT_ENDED)->link.id, 1);
    assert_int_equal(fake.events, 4); /* no ACKED */
    hang_up(1, false);
    refuse_to_say("p.2 closed", "column 5: p.2 is connected"); /* the FIN does not arrive */
}

/* ---- UDP ------------------------------------------------------------------------------------------------------- */

static void test_datagrams(void **state)
{
    (void)state;
    cipmux_request_t wanted = dial_request(CIPMUX_UDP, 0, 6000);
    wanted.dial.from.port = 2390;
    say("udp u 10.0.2.2:6000");
    refuse_to_say("u sends \"x\"", "column 3: u has heard from no port yet: say to=PORT");
    request(wanted);
    assert_int_equal(last(CIPMUX_EVENT_UP)->local_port, 2390);
    send_bytes(0, "ab", 6000);
    send_bytes(0, "cd", 6000);
    send_bytes(0, "nobody", 6001);
    assert_int_equal(world.net.datagrams_nowhere, 1);
    say("u got \"ab\"");
    refuse_to_say("u got nothing", "column 7: u got other bytes (2 bytes, port 2390): \"cd\"");
    say("u got \"cd\" from=2390");
    say("u got nothing");
    say("u sends \"xyz\"");
    say("u sends 300");
    say("u sends \"lost\" to=2391");
    settle();
    assert_int_equal(fake.pieces, 2);
    assert_int_equal(fake.piece[1], 300);
    assert_int_equal(fake.from_port, 6000);
    assert_int_equal(fake.received[3 + 252], 1);
    assert_int_equal(world.net.datagrams_nowhere, 2);
    fake.room = 2;
    say("u sends \"abc\"");
    settle();
    say("u unread 3");
    hang_up(0, false);
    give_back(0);
    refuse_to_say("u closed", "column 3: u speaks UDP");
}

static void test_one_udp_port_is_bound_once(void **state)
{
    (void)state;
    cipmux_request_t wanted = dial_request(CIPMUX_UDP, 0, 6000);
    wanted.dial.from.port = 2390;
    request(wanted);
    last(CIPMUX_EVENT_UP);
    wanted.link = link_of(1, 1);
    request(wanted);
    assert_int_equal(last(CIPMUX_EVENT_FAILED)->cause, CIPMUX_CAUSE_LOCAL);
    watch(0);
    last(CIPMUX_EVENT_ACKED);
}

static void test_a_broadcast_reaches_every_endpoint_of_the_port(void **state)
{
    (void)state;
    say("udp u 10.0.2.2:6000");
    say("udp v 10.0.2.3:6000");
    say("udp w 10.0.2.3:6001");
    request(dial_request(CIPMUX_UDP, 0, 6000));
    send_bytes(0, "", 0);
    fake.sending_n = 2;
    memcpy(fake.sending, "hi", 2);
    memset(fake.sending_to.bytes, 255, 4);
    fake.sending_to.port = 6000;
    settle();
    say("u got \"hi\"");
    say("v got \"hi\"");
    say("w got nothing");
    say("u no-memory");
    send_bytes(0, "ab", 6000);
    assert_int_equal(fake.send_failures, 1);
}

/* ---- Pools and the contract ------------------------------------------------------------------------------------------ */

static void assert_fault(const char *text)
{
    assert_string_equal(world_fault(&world), text);
    world.net.fault[0] = '\0';
}

static void test_breaches_of_the_contract_are_faults(void **state)
{
    (void)state;
    hang_up(2, false);
    assert_fault("HANG_UP for link 2 life 1, which has no connection");
    give_back(2);
    assert_fault("RETURN for link 2 life 1, which has no memory");
    watch(2);
    assert_fault("WATCH for link 2 life 1, which has no connection");
    connect_p();
    dial(0, 5000);
    assert_fault("DIAL for link 0 life 1, which is in use");
    hang_up(0, false);
    hang_up(0, false);
    assert_fault("HANG_UP for link 0 life 1, which has no connection");
    give_back(0);
    give_back(0);
    assert_fault("RETURN for link 0 life 1, which has no memory");
}

static void test_receive_memory_runs_out(void **state)
{
    (void)state;
    say("listen p 10.0.2.2:5000");
    for (int life = 1; life <= NET_BLOCKS + 1; life++) {
        cipmux_request_t wanted = dial_request(CIPMUX_TCP, 0, 5000);
        wanted.link.life = (uint8_t)life;
        request(wanted);
        request((cipmux_request_t){ .kind = CIPMUX_REQUEST_HANG_UP, .link = wanted.link });
    }
    assert_int_equal(fake.events, NET_BLOCKS);
    assert_fault("no receive memory left: the modem returns too little");
}

static void test_an_inbox_overflows(void **state)
{
    (void)state;
    connect_p();
    memset(fake.sending, 'x', sizeof fake.sending);
    fake.sending_link = link_of(0, 1);
    fake.sending_n = NET_INBOX;
    settle();
    fake.sending_n = 1;
    settle();
    assert_fault("p has received more than 16384 bytes that nobody looked at");
}

static void test_an_outbox_overflows(void **state)
{
    (void)state;
    connect_p();
    fake.room = 0;
    for (int i = 0; i < NET_SEGMENTS; i++) {
        say("p sends \"x\"");
    }
    refuse_to_say("p sends \"x\"", "column 3: p has 64 bytes or 64 segments that the modem did not take");
}

static void test_peers_that_are_over_make_room(void **state)
{
    (void)state;
    char line[40];
    for (int i = 0; i < 3 * NET_PEERS; i++) {
        snprintf(line, sizeof line, "client c%d to 80", i);
        say(line); /* refused: nobody listens */
        settle();
    }
    for (int i = 0; i < NET_PEERS; i++) {
        snprintf(line, sizeof line, "udp u%d 10.0.2.2:%d", i, 7000 + i);
        say(line);
    }
    refuse_to_say("udp v 10.0.2.2:8000", "column 1: more than 32 peers");
    assert_fault("more than 32 peers at a time");
}

/* ---- Words ----------------------------------------------------------------------------------------------------- */

static void test_words_of_the_network(void **state)
{
    (void)state;
    refuse_to_say("listen", "column 7: expected a name, not the end of the line");
    refuse_to_say("listen p", "column 9: expected an address and port such as 10.0.2.2:5000, not the end of the line");
    refuse_to_say("listen p 10.0.2.2",
                  "column 10: expected an address and port such as 10.0.2.2:5000, not \"10.0.2.2\"");
    refuse_to_say("refuse 10.0.2.2:1 after=3",
                  "column 25: expected a time such as 20ms (units us ms s m h), not \"3\"");
    refuse_to_say("client c at 80", "column 10: expected to, not \"at\"");
    refuse_to_say("client c to 0", "column 13: expected a number from 1 to 65535, not \"0\"");
    refuse_to_say("name example.com", "column 17: expected an address or none, not the end of the line");
    refuse_to_say("dns ill", "column 5: expected ok, dead or an address, not \"ill\"");
    refuse_to_say("server works", "column 8: expected ok or fails, not \"works\"");
    refuse_to_say("frobnicate", "column 1: \"frobnicate\" is neither a verb nor a peer");
    refuse_to_say("x=y", "column 3: expected a verb or a name, not \"y\"");
    say("udp u 10.0.2.2:6000");
    refuse_to_say("u frobnicates", "column 3: expected what a peer does, not \"frobnicates\"");
    refuse_to_say("u sends", "column 8: expected \"text\" or a number of bytes, not the end of the line");
    refuse_to_say("u got nothing at all", "column 15: this verb does not know \"at\"");
    say("   # a comment");
    say("");
}

static void test_a_peer_may_be_called_like_a_verb(void **state)
{
    (void)state;
    say("listen server 10.0.2.2:5000");
    dial(0, 5000);
    say("server open");
    say("server sends \"x\"");
    say("server fails");
    say("scan refused");
}

static void test_words_of_the_modem(void **state)
{
    (void)state;
    fake.phase = CIPMUX_PHASE_COLLECTING;
    say("phase COLLECTING");
    refuse_to_say("phase COMMAND", "column 7: the phase is COLLECTING");
    assert_false(world.uart_stopped);
    say("uart stops");
    assert_true(world.uart_stopped);
    say("uart goes");
    assert_false(world.uart_stopped);
    say("reset-pin");
    settle();
    last(CIPMUX_EVENT_RESET_PIN);
    assert_int_equal(fake.events, 1);
}

static void test_the_clock_of_whoever_has_one(void **state)
{
    (void)state;
    refuse_to_say("sntp any clock", "column 10: this world has no clock");
    world.hosts.clock_us = 1580999030000000;
    say("sntp any clock after=20ms");
    const uint64_t asked_us = now;
    request((cipmux_request_t){ .kind = CIPMUX_REQUEST_TIME, .ticket = 7, .time = { .name = "a", .length = 1 } });
    wait_us(20000);
    const cipmux_event_t *told = last(CIPMUX_EVENT_TIME);
    assert_int_equal(told->utc_us, 1580999030000000 + asked_us + 20000);
}

static void test_verbs_have_names_forms_and_help(void **state)
{
    (void)state;
    static const struct {
        const words_verb_t *verbs;
        size_t              n;
    } tables[] = { { radio_verbs, RADIO_VERBS },
                   { net_verbs, NET_VERBS },
                   { peer_verbs, PEER_VERBS },
                   { world_verbs, WORLD_VERBS },
                   { hosts_verbs, HOSTS_VERBS } };
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++) {
        for (size_t i = 0; i < tables[t].n; i++) {
            const words_verb_t *verb = &tables[t].verbs[i];
            assert_non_null(verb->run);
            assert_non_null(strstr(verb->form, verb->name));
            assert_true(strlen(verb->help) > 5);
            assert_ptr_equal(words_verb(tables[t].verbs, tables[t].n, verb->name), verb); /* unique */
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_scan),
        TEST(test_scan_filters),
        TEST(test_scan_order_and_channels),
        TEST(test_scan_refused),
        TEST(test_join),
        TEST(test_join_fails),
        TEST(test_open_access_points),
        TEST(test_which_of_several),
        TEST(test_slow_and_silent_dhcp),
        TEST(test_the_station_is_lost),
        TEST(test_leave_and_radio_off),
        TEST(test_members_of_a_soft_ap),
        TEST(test_a_modem_joins_a_modems_soft_ap),
        TEST(test_who_is_on_whose_network),
        TEST(test_later_is_offered_again),
        TEST(test_two_stations_share_the_air),
        TEST(test_words_of_the_air),
        TEST(test_dial),
        TEST(test_dial_fails),
        TEST(test_dial_is_given_up),
        TEST(test_dial_from_the_soft_ap),
        TEST(test_names),
        TEST(test_clients),
        TEST(test_clients_are_turned_away),
        TEST(test_server_fails),
        TEST(test_a_send_is_a_segment),
        TEST(test_a_segment_waits_for_room),
        TEST(test_reset_loses_what_had_no_room),
        TEST(test_got),
        TEST(test_acknowledgements),
        TEST(test_a_stalled_peer_takes_nothing),
        TEST(test_the_modems_stack_has_no_memory),
        TEST(test_nodelay),
        TEST(test_dialled_as),
        TEST(test_a_peer_vanishes),
        TEST(test_datagrams),
        TEST(test_one_udp_port_is_bound_once),
        TEST(test_a_broadcast_reaches_every_endpoint_of_the_port),
        TEST(test_breaches_of_the_contract_are_faults),
        TEST(test_receive_memory_runs_out),
        TEST(test_an_inbox_overflows),
        TEST(test_an_outbox_overflows),
        TEST(test_peers_that_are_over_make_room),
        TEST(test_words_of_the_network),
        TEST(test_a_peer_may_be_called_like_a_verb),
        TEST(test_words_of_the_modem),
        TEST(test_the_clock_of_whoever_has_one),
        TEST(test_verbs_have_names_forms_and_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
