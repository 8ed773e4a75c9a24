/* The world around one modem: see world.h. */
#include "world.h"

#include <stdio.h>
#include <string.h>

void world_init(world_t *world, cipmux_t *modem)
{
    world->modem = modem;
    radio_init(&world->radio);
    radio_station_init(&world->station, 0);
    gpio_init(&world->pins);
    faults_init(&world->faults, 0);
    world->fault[0] = '\0';
    world->rom_talks = false;
    uart_init(&world->rom, 0);
    world->uart_stopped = world->wired = world->line_asked = false;
    world->flash_fails = world->store_asked = false;
    world->image_size = 0;
    world->line = cipmux_line(modem);
    world->mdns[0] = world->about[0] = '\0';
    hosts_init(&world->hosts);
    hosts_client_init(&world->client);
    net_init(&world->net);
    world->net.hosts = &world->hosts;
}

/* ---- Words ----------------------------------------------------------------------------------------------------- */

static bool say_phase(void *context, words_t *words)
{
    static const char *const names[] = {
        [CIPMUX_PHASE_OFF] = "OFF",
        [CIPMUX_PHASE_COMMAND] = "COMMAND",
        [CIPMUX_PHASE_BUSY] = "BUSY",
        [CIPMUX_PHASE_COLLECTING] = "COLLECTING",
        [CIPMUX_PHASE_PASSTHROUGH] = "PASSTHROUGH",
    };
    world_t           *world = context;
    const words_arg_t *arg = words_plain(words, 1, "OFF, COMMAND, BUSY, COLLECTING or PASSTHROUGH");
    const char        *now = names[cipmux_phase(world->modem)];
    return arg != NULL && (words_is(arg, now) || words_fail(words, arg->column, "the phase is %s", now));
}

static bool say_level(words_t *words, bool *high)
{
    const words_arg_t *arg = words_plain(words, 2, "high or low");
    if (arg == NULL) return false;
    *high = words_is(arg, "high");
    return *high || words_is(arg, "low") || words_expected(words, arg, "high or low");
}

static bool check_count(words_t *words, const char *what, uint64_t is)
{
    const words_arg_t *arg = words_plain(words, 2, "a number of bytes");
    long               wanted;
    if (arg == NULL || !words_number(words, arg, 0, 1000000, &wanted)) return false;
    return (uint64_t)wanted == is || words_fail(words, arg->column, "%s %llu", what, (unsigned long long)is);
}

static bool say_wire(world_t *world, words_t *words, const words_arg_t *what)
{
    const uint64_t now_us = words->now_us;
    bool           high;
    if (words_is(what, "lost")) return check_count(words, "lost were", serial_lost(&world->serial, now_us));
    if (words_is(what, "waits")) return check_count(words, "there wait", serial_waiting(&world->serial, now_us));
    if (!say_level(words, &high)) return false;
    if (words_is(what, "cts"))
        world->serial.cts_high = high;
    else if (serial_rts_high(&world->serial, now_us) != high)
        return words_fail(words, what->column, "RTS is %s", high ? "low" : "high");
    return true;
}

static bool say_uart(void *context, words_t *words)
{
    static const char  choice[] = "stops, goes, wired, cts, rts, waits or lost";
    world_t           *world = context;
    const words_arg_t *what = words_plain(words, 1, choice);
    if (what == NULL) return false;
    if (words_is(what, "stops") || words_is(what, "goes")) {
        if (world->wired) return words_fail(words, what->column, "a wired UART stops at a high CTS");
        world->uart_stopped = words_is(what, "stops");
        return true;
    }
    if (words_is(what, "wired")) {
        world->wired = true;
        serial_open(&world->serial, words->now_us, world->modem, true);
        return true;
    }
    if (!words_is(what, "cts") && !words_is(what, "rts") && !words_is(what, "waits") && !words_is(what, "lost"))
        return words_expected(words, what, choice);
    return world->wired ? say_wire(world, words, what) : words_fail(words, what->column, "the UART is not wired");
}

static bool say_line(void *context, words_t *words)
{
    const cipmux_line_t line = ((world_t *)context)->line;
    char                now[40];
    const words_arg_t  *arg = words_plain(words, 1, "a rate and format such as 115200,8,1,0,0");
    snprintf(now, sizeof now, "%lu,%u,%u,%u,%u", (unsigned long)line.baud, line.data_bits, line.stop_bits, line.parity,
             line.flow);
    return arg != NULL && (words_is(arg, now) || words_fail(words, arg->column, "the line runs at %s", now));
}

static bool say_mdns(void *context, words_t *words)
{
    const world_t     *world = context;
    const char        *now = world->mdns[0] != '\0' ? world->mdns : "nothing";
    const words_arg_t *arg = words_plain(words, 1, "nothing, or \"HOST SERVICE PORT\"");
    const words_arg_t *about = words_key(words, "txt");
    if (arg == NULL) return false;
    if (!words_is(arg, now)) return words_fail(words, arg->column, "the modem answers for \"%s\"", now);
    return about == NULL || words_is(about, world->about) ||
           words_fail(words, about->column, "the modem says of itself \"%s\"", world->about);
}

static bool say_flash(void *context, words_t *words)
{
    world_t           *world = context;
    const words_arg_t *what = words_plain(words, 1, "new, fails or works");
    if (what == NULL) return false;
    if (!words_is(what, "new") && !words_is(what, "fails") && !words_is(what, "works"))
        return words_expected(words, what, "new, fails or works");
    world->flash_fails = words_is(what, "fails");
    if (words_is(what, "new")) {
        cipmux_use_flash(world->modem, NULL, 0);
        world->image_size = cipmux_image(world->modem, world->image);
    }
    return true;
}

const words_verb_t world_verbs[WORLD_VERBS] = {
    { "phase", say_phase, "phase NAME", "checks OFF COMMAND BUSY COLLECTING PASSTHROUGH" },
    { "line", say_line, "line 115200,8,1,0,0", "checks the rate and format to which the modem switched" },
    { "mdns", say_mdns, "mdns nothing|TEXT [txt=TEXT]",
      "checks for what the modem answers by mDNS, \"HOST SERVICE PORT\", and the lines of its TXT record" },
    { "flash", say_flash, "flash new|fails|works", "at power-on: settings are stored; what that meets from now on" },
    { "uart", say_uart, "uart stops|goes|wired|cts LEVEL|rts LEVEL|waits N|lost N",
      "nobody reads the modem's UART until it goes; its line is real; the level of its CTS; checks of its buffer" },
};

/* A line of which the second word is what a peer does and the first word names one. Peers may be called like a verb. */
static const words_verb_t *peer_verb(const words_t *words)
{
    bool two = words->count >= 2 && words->arg[1].key[0] == '\0';
    return two ? words_verb(peer_verbs, PEER_VERBS, (const char *)words->arg[1].text) : NULL;
}

static bool say_of_nobody(world_t *world, words_t *words)
{
    const words_arg_t *first = &words->arg[0];
    const char        *name = (const char *)first->text;
    if (net_peer(&world->net, name) != NULL && words->count >= 2) {
        return words_expected(words, &words->arg[1], "what a peer does");
    }
    return peer_verb(words) != NULL ? words_fail(words, first->column, "there is no peer %.40s (yet)", name)
                                    : words_fail(words, first->column, "\"%.40s\" is neither a verb nor a peer", name);
}

/* "link 2 resets" is "NAME resets" of the peer at the modem's link 2. False: words->error. */
static bool name_by_link(world_t *world, words_t *words, net_peer_t **peer)
{
    const words_arg_t *id = words_plain(words, 1, "a link, 0 to 4");
    long               n = 0;
    if (id == NULL || !words_number(words, id, 0, CIPMUX_LINKS - 1, &n)) return false;
    *peer = net_peer_at(&world->net, (uint8_t)n);
    if (*peer == NULL) return words_fail(words, id->column, "link %ld is not open", n);
    words->count--;
    memmove(words->arg, words->arg + 1, words->count * sizeof words->arg[0]);
    return words_plain(words, 1, "what its peer does") != NULL;
}

static bool say(world_t *world, words_t *words, const char *line)
{
    if (!words_parse(words, line) || words->count == 0) {
        return words->error[0] == '\0';
    }
    if (words->arg[0].key[0] != '\0') {
        return words_expected(words, &words->arg[0], "a verb or a name");
    }
    const char         *name = (const char *)words->arg[0].text;
    const words_verb_t *does = peer_verb(words);
    net_words_t         said = { &world->net, world->modem, net_peer(&world->net, name) };
    if (strcmp(name, "link") == 0 && said.peer == NULL) {
        if (!name_by_link(world, words, &said.peer)) return false;
        does = peer_verb(words);
        if (does == NULL) return words_expected(words, &words->arg[1], "what a peer does");
    }
    if (does != NULL && said.peer != NULL) {
        words->arg[0].used = words->arg[1].used = true;
        return does->run(&said, words) && words_complete(words);
    }
    const struct {
        const words_verb_t *verbs;
        size_t              n;
        void               *context;
    } tables[] = {
        { radio_verbs, RADIO_VERBS, &world->radio },    { gpio_verbs, GPIO_VERBS, &world->pins },
        { faults_verbs, FAULTS_VERBS, &world->faults }, { net_verbs, NET_VERBS, &said },
        { hosts_verbs, HOSTS_VERBS, &world->hosts },    { world_verbs, WORLD_VERBS, world },
    };
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        if (words_verb(tables[i].verbs, tables[i].n, name) != NULL) {
            return words_run(tables[i].verbs, tables[i].n, tables[i].context, words);
        }
    }
    return say_of_nobody(world, words);
}

bool world_say(world_t *world, uint64_t now_us, const char *line, char *error, size_t size)
{
    world->words.now_us = now_us;
    bool good = say(world, &world->words, line);
    snprintf(error, size, "%s", good ? "" : world->words.error);
    return good;
}

/* ---- The line -------------------------------------------------------------------------------------------------- */

static size_t type_through(world_t *world, uint64_t now_us, const void *bytes, size_t n)
{
    return world->wired ? serial_type(&world->serial, now_us, world->modem, bytes, n)
                        : cipmux_sink(world->modem, now_us, bytes, n);
}

static size_t read_through(world_t *world, uint64_t now_us, void *out, size_t capacity)
{
    return world->wired ? serial_read(&world->serial, now_us, out, capacity)
                        : cipmux_poll(world->modem, now_us, out, capacity);
}

/* From the lane of typed bytes onward. True: something moved. */
static bool bring_typed(world_t *world, uint64_t now_us)
{
    const uint8_t *bytes;
    const size_t   n = faults_peek(&world->faults, now_us, FAULTS_TYPED, &bytes);
    const size_t   taken = n > 0 ? type_through(world, now_us, bytes, n) : 0;
    faults_taken(&world->faults, FAULTS_TYPED, taken);
    return taken > 0;
}

size_t world_type(world_t *world, uint64_t now_us, const void *bytes, size_t n)
{
    faults_t *faults = &world->faults;
    size_t    taken = 0;
    if (!faults_used(faults)) return type_through(world, now_us, bytes, n);
    for (size_t room; taken < n && (room = faults_room(faults, FAULTS_TYPED)) > 0; taken += room) {
        if (room > n - taken) room = n - taken;
        faults_put(faults, now_us, FAULTS_TYPED, (const uint8_t *)bytes + taken, room);
    }
    if (taken == n) faults_quiet(faults, now_us, FAULTS_TYPED);
    bring_typed(world, now_us);
    return taken;
}

/* What the modem prints now goes into its lane. */
static void fill_printed(world_t *world, uint64_t now_us)
{
    faults_t *faults = &world->faults;
    uint8_t   piece[64];
    size_t    room, n;
    while ((room = faults_room(faults, FAULTS_PRINTED)) > 0) {
        n = read_through(world, now_us, piece, room < sizeof piece ? room : sizeof piece);
        if (n == 0) {
            faults_quiet(faults, now_us, FAULTS_PRINTED);
            return;
        }
        faults_put(faults, now_us, FAULTS_PRINTED, piece, n);
    }
}

size_t world_read(world_t *world, uint64_t now_us, void *out, size_t capacity)
{
    const uint8_t *bytes;
    if (!faults_used(&world->faults)) return read_through(world, now_us, out, capacity);
    fill_printed(world, now_us);
    size_t n = faults_peek(&world->faults, now_us, FAULTS_PRINTED, &bytes);
    if (n > capacity) n = capacity;
    memcpy(out, bytes, n);
    faults_taken(&world->faults, FAULTS_PRINTED, n);
    return n;
}

/* Says what the faults want to be said. A line that is wrong is a fault of the world. */
static bool say_due(world_t *world, uint64_t now_us)
{
    const char *line = faults_due(&world->faults, now_us);
    char        error[200];
    if (line == NULL) return false;
    if (!world_say(world, now_us, line, error, sizeof error))
        snprintf(world->fault, sizeof world->fault, "\"%.30s\": %.150s", line, error);
    return true;
}

static bool move_faults(world_t *world, uint64_t now_us)
{
    if (!faults_used(&world->faults)) return false;
    const bool moved = bring_typed(world, now_us);
    return say_due(world, now_us) || moved;
}

/* ---- The ROM's rate -------------------------------------------------------------------------------------------- */

static void rom_begins(world_t *world, const cipmux_line_t *line)
{
    world->line_asked = true;
    world->rom_talks = !world->wired; /* else the line has it */
    uart_init(&world->rom, 0);
    uart_set_depth(&world->rom, UART_FAR, UART_FIFO_MAX);
    uart_set_line(&world->rom, 0, UART_MODEM, line);
    uart_set_line(&world->rom, 0, UART_FAR, &world->line);
}

void world_rom_says(world_t *world, const void *bytes, size_t n)
{
    uart_put(&world->rom, 0, UART_MODEM, bytes, n);
}

size_t world_noise(world_t *world, void *out, size_t capacity)
{
    const uint64_t over_us = uart_sent_at(&world->rom, UART_MODEM) + 1000000;
    const size_t   n = uart_get(&world->rom, over_us, UART_FAR, out, capacity);
    return n;
}

/* ---- The modem's side ------------------------------------------------------------------------------------------ */

static void answer_mdns(world_t *world, const cipmux_request_t *request)
{
    world->mdns[0] = '\0';
    if (!request->mdns.on) {
        return;
    }
    snprintf(world->mdns, sizeof world->mdns, "%.*s %s%.*s %u", request->mdns.host_length, request->mdns.host,
             request->mdns.prefix, request->mdns.service_length, request->mdns.service, request->mdns.port);
    snprintf(world->about, sizeof world->about, "%s", request->mdns.about);
}

void world_request(world_t *world, uint64_t now_us, const cipmux_request_t *request)
{
    if (request->kind == CIPMUX_REQUEST_LINE) {
        world->line = request->line;
        world->line_asked = true;
        world->rom_talks = false;
    } else if (request->kind == CIPMUX_REQUEST_ROM_LINE) {
        rom_begins(world, &request->line);
    } else if (request->kind == CIPMUX_REQUEST_STORE) {
        world->store_asked = true;
    } else if (gpio_serves(request)) {
        gpio_request(&world->pins, now_us, request);
        if (world->pins.asleep) radio_station_reset(&world->radio, &world->station);
    } else if (request->kind == CIPMUX_REQUEST_MDNS) {
        answer_mdns(world, request);
    } else if (radio_serves(request)) {
        radio_request(&world->radio, &world->station, now_us, request);
    } else if (!hosts_request(&world->hosts, &world->client, now_us, request)) {
        net_request(&world->net, now_us, request);
    }
}

static bool offer_pins(world_t *world, uint64_t now_us)
{
    gpio_due_t due = gpio_offer(&world->pins, now_us, world->modem);
    if (due == GPIO_RESET) radio_station_reset(&world->radio, &world->station);
    return due != GPIO_NOTHING;
}

static bool offer_line(world_t *world, uint64_t now_us)
{
    cipmux_event_t event = { .kind = CIPMUX_EVENT_LINE_SET };
    if (!world->line_asked) return false;
    if (world->wired) {
        if (!serial_switch(&world->serial, now_us, world->modem)) return false;
        serial_set_far(&world->serial, now_us, &world->line); /* it follows */
    }
    world->line_asked = false;
    cipmux_event(world->modem, now_us, &event, NULL);
    return true;
}

static bool offer_stored(world_t *world, uint64_t now_us)
{
    if (!world->store_asked) return false;
    world->store_asked = false;
    if (!world->flash_fails) world->image_size = cipmux_image(world->modem, world->image);
    const cipmux_event_t event = {
        .kind = CIPMUX_EVENT_STORED,
        .cause = world->flash_fails ? CIPMUX_CAUSE_LOCAL : CIPMUX_CAUSE_NONE,
        .image = world->image,
        .image_size = world->image_size,
    };
    cipmux_event(world->modem, now_us, &event, NULL);
    return true;
}

/* A station that left takes its connections along: nothing reaches it any more. */
static void lose_peers(world_t *world, uint64_t now_us)
{
    for (size_t i = 0; i < NET_PEERS; i++) {
        net_peer_t *peer = &world->net.peer[i];
        if (peer->state == NET_CONNECTED && peer->address.family == 4 && !peer->vanished &&
            radio_has_left(&world->radio, &world->station, peer->address.bytes)) {
            net_vanish(peer, now_us);
        }
    }
}

bool world_offer(world_t *world, uint64_t now_us)
{
    lose_peers(world, now_us);
    bool moved = move_faults(world, now_us);
    moved = offer_pins(world, now_us) || moved;
    moved = offer_line(world, now_us) || moved;
    moved = offer_stored(world, now_us) || moved;
    moved = radio_offer(&world->radio, &world->station, now_us, world->modem) || moved;
    moved = hosts_offer(&world->hosts, &world->client, now_us, world->modem) || moved;
    return net_offer(&world->net, now_us, world->modem) || moved;
}

uint64_t world_deadline(const world_t *world, uint64_t now_us)
{
    uint64_t radio_us = radio_deadline(&world->radio, &world->station, now_us);
    uint64_t net_us = net_deadline(&world->net, now_us);
    uint64_t pins_us = gpio_deadline(&world->pins);
    uint64_t hosts_us = hosts_deadline(&world->client, now_us);
    uint64_t sent_us = world->wired && world->line_asked ? uart_sent_at(&world->serial.uart, UART_MODEM) : 0;
    uint64_t due_us = radio_us < net_us ? radio_us : net_us;
    uint64_t faults_us = faults_deadline(&world->faults);
    if (sent_us > now_us && sent_us < due_us) due_us = sent_us;
    if (faults_us < due_us) due_us = faults_us;
    if (hosts_us < due_us) due_us = hosts_us;
    return pins_us < due_us ? pins_us : due_us;
}

const char *world_fault(const world_t *world)
{
    return world->fault[0] != '\0' ? world->fault : world->net.fault;
}
