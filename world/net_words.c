/* The verbs of the network: see net_words.h. */
#include "net_words.h"

#include <stdio.h>
#include <string.h>

/* ---- Arguments that several verbs share ------------------------------------------------------------------------------ */

/* A name for a new peer. */
static const words_arg_t *new_name(words_t *words, size_t index)
{
    const words_arg_t *arg = words_plain(words, index, "a name");
    if (arg == NULL) {
        return NULL;
    }
    if (arg->length == 0 || arg->length >= NET_NAME - 3) {
        words_expected(words, arg, "a name of 1 to 20 bytes");
        return NULL;
    }
    return arg;
}

static bool address_at(words_t *words, size_t index, cipmux_address_t *out)
{
    const words_arg_t *arg = words_plain(words, index, "an address and port such as 10.0.2.2:5000");
    return arg != NULL && words_address(words, arg, out);
}

static bool port_at(words_t *words, size_t index, uint16_t *out)
{
    const words_arg_t *arg = words_plain(words, index, "a port");
    long               port = 0;
    if (arg == NULL || !words_number(words, arg, 1, 65535, &port)) {
        return false;
    }
    *out = (uint16_t)port;
    return true;
}

static bool addresses_at(words_t *words, size_t index, cipmux_address_t *out)
{
    const words_arg_t *arg = words_plain(words, index, "an address and port such as 10.0.2.2:5000, or any");
    return arg != NULL && words_addresses(words, arg, out);
}

/* A word that must be one of two: 0, 1, or -1 after the error. */
static int choice_at(words_t *words, size_t index, const char *zero, const char *one)
{
    char what[40];
    snprintf(what, sizeof what, "%s or %s", zero, one);
    const words_arg_t *arg = words_plain(words, index, what);
    if (arg == NULL) {
        return -1;
    }
    if (words_is(arg, zero) || words_is(arg, one)) {
        return words_is(arg, one) ? 1 : 0;
    }
    words_expected(words, arg, what);
    return -1;
}

/* ---- Addresses that are dialled ------------------------------------------------------------------------------------ */

static bool place(net_words_t *said, words_t *words, net_place_kind_t kind, size_t index, const words_arg_t *name)
{
    cipmux_address_t at = { 0 };
    uint64_t         after_us = 0;
    const bool       many = kind != NET_PLACE_LISTEN && kind != NET_PLACE_NO_MEMORY;
    if (!(many ? addresses_at : address_at)(words, index, &at) || !words_key_time(words, "after", &after_us)) {
        return false;
    }
    net_place_t *made = net_place(said->net, kind, &at);
    if (made == NULL) {
        return words_fail(words, 1, "more than %d addresses", (int)NET_PLACES);
    }
    made->after_us = after_us;
    if (name != NULL) {
        memcpy(made->name, name->text, name->length);
    }
    return true;
}

static bool say_listen(void *context, words_t *words)
{
    const words_arg_t *name = new_name(words, 1);
    return name != NULL && place(context, words, NET_PLACE_LISTEN, 2, name);
}

static bool say_refuse(void *context, words_t *words)
{
    return place(context, words, NET_PLACE_REFUSE, 1, NULL);
}

static bool say_reset(void *context, words_t *words)
{
    return place(context, words, NET_PLACE_RESET, 1, NULL);
}

static bool say_silent(void *context, words_t *words)
{
    return place(context, words, NET_PLACE_SILENT, 1, NULL);
}

static bool say_late(void *context, words_t *words)
{
    return place(context, words, NET_PLACE_LATE, 1, NULL);
}

static bool say_no_memory(void *context, words_t *words)
{
    return place(context, words, NET_PLACE_NO_MEMORY, 1, NULL);
}

static bool say_no_tls(void *context, words_t *words)
{
    return place(context, words, NET_PLACE_NO_TLS, 1, NULL);
}

static bool say_udp(void *context, words_t *words)
{
    net_words_t       *said = context;
    cipmux_address_t   at;
    const words_arg_t *name = new_name(words, 1);
    if (name == NULL || !address_at(words, 2, &at)) {
        return false;
    }
    net_peer_t *old = net_peer(said->net, (const char *)name->text);
    if (old != NULL && net_is_alive(old)) {
        return words_fail(words, name->column, "there is a peer %s already", (const char *)name->text);
    }
    return net_endpoint(said->net, (const char *)name->text, &at) != NULL ||
           words_fail(words, 1, "more than %d peers", (int)NET_PEERS);
}

/* ---- Names --------------------------------------------------------------------------------------------------------- */

static bool say_name(void *context, words_t *words)
{
    net_words_t       *said = context;
    cipmux_address_t   address = { .family = 0 };
    uint64_t           after_us = 0;
    uint8_t            server[4] = { 0 };
    const words_arg_t *name = words_plain(words, 1, "a host name");
    const words_arg_t *value = name == NULL ? NULL : words_plain(words, 2, "an address or none");
    if (value == NULL || (!words_is(value, "none") && !words_host(words, value, &address)) ||
        !words_key_time(words, "after", &after_us) || !words_key_ip4(words, "server", server)) {
        return false;
    }
    return net_name(said->net, (const char *)name->text, server, &address, after_us) ||
           words_fail(words, name->column, "expected at most %d names of at most %d bytes", (int)NET_NAMES,
                      (int)NET_HOST);
}

/* ---- Clients of the modem's server ----------------------------------------------------------------------------------- */

static bool say_client(void *context, words_t *words)
{
    net_words_t       *said = context;
    cipmux_address_t   from = { .family = 0 };
    uint16_t           port;
    const words_arg_t *name = new_name(words, 1);
    const words_arg_t *to = name == NULL ? NULL : words_plain(words, 2, "to");
    if (to == NULL || (!words_is(to, "to") && !words_expected(words, to, "to")) || !port_at(words, 3, &port)) {
        return false;
    }
    const words_arg_t *source = words_key(words, "from");
    if (source != NULL && !words_address(words, source, &from)) {
        return false;
    }
    net_peer_t *old = net_peer(said->net, (const char *)name->text);
    if (old != NULL && net_is_alive(old)) {
        return words_fail(words, name->column, "there is a peer %s already", (const char *)name->text);
    }
    return net_client(said->net, (const char *)name->text, &from, port) != NULL ||
           words_fail(words, 1, "more than %d peers", (int)NET_PEERS);
}

static bool check_listening(net_words_t *said, words_t *words, bool expected)
{
    uint16_t port;
    if (!port_at(words, 1, &port)) {
        return false;
    }
    return net_is_listening(said->net, said->modem, port) == expected ||
           words_fail(words, words->arg[0].column, "port %u is %s", port, expected ? "closed" : "open");
}

static bool say_listening(void *context, words_t *words)
{
    return check_listening(context, words, true);
}

static bool say_not_listening(void *context, words_t *words)
{
    return check_listening(context, words, false);
}

static bool say_server(void *context, words_t *words)
{
    net_words_t *said = context;
    int          fails = choice_at(words, 1, "ok", "fails");
    said->net->listen_fails = fails == 1;
    said->net->listen_after_us = 0;
    return fails >= 0 && words_key_time(words, "after", &said->net->listen_after_us);
}

/* ---- What the modem still holds ---------------------------------------------------------------------------------- */

static bool check_count(words_t *words, size_t found, const char *what)
{
    long               wanted = 0;
    const words_arg_t *arg = words_plain(words, 1, "a number");
    if (arg == NULL || !words_number(words, arg, 0, NET_PEERS, &wanted)) {
        return false;
    }
    return found == (size_t)wanted || words_fail(words, arg->column, "the modem %s %zu", what, found);
}

static bool say_dialling(void *context, words_t *words)
{
    const net_t *net = ((net_words_t *)context)->net;
    size_t       found = 0;
    for (size_t i = 0; i < NET_PEERS; i++) {
        found += net->peer[i].state == NET_DIALLED;
    }
    return check_count(words, found, "dials");
}

static bool say_lent(void *context, words_t *words)
{
    const net_t *net = ((net_words_t *)context)->net;
    size_t       found = 0;
    for (size_t i = 0; i < NET_BLOCKS; i++) {
        found += net->block[i].used;
    }
    return check_count(words, found, "holds receive memory of");
}

const words_verb_t net_verbs[NET_VERBS] = {
    { "name", say_name, "name HOST IP|none [server=IP] [after=TIME]",
      "what a host name resolves to, at each name server or at one" },
    { "listen", say_listen, "listen NAME IP:PORT [after=TIME]", "accepts; connections are NAME, NAME.2, NAME.3 ..." },
    { "refuse", say_refuse, "refuse IP:PORT|any [after=TIME]", "refuses, as every address does that nobody mentioned" },
    { "reset", say_reset, "reset IP:PORT|any [after=TIME]", "resets during the handshake" },
    { "silent", say_silent, "silent IP:PORT|any", "never answers" },
    { "late", say_late, "late IP:PORT|any after=TIME", "a dial to there takes so much longer" },
    { "no-memory", say_no_memory, "no-memory IP:PORT", "the modem's own stack cannot dial it" },
    { "no-tls", say_no_tls, "no-tls IP:PORT|any", "a TLS handshake fails there" },
    { "udp", say_udp, "udp NAME IP:PORT", "a UDP endpoint" },
    { "client", say_client, "client NAME to PORT [from=IP:PORT]", "connects to the modem's server" },
    { "listening", say_listening, "listening PORT", "checks that the modem's port is open" },
    { "not-listening", say_not_listening, "not-listening PORT", "checks that the modem's port is closed" },
    { "server", say_server, "server fails|ok [after=TIME]",
      "the next attempt of the modem to listen fails, or is slow" },
    { "dialling", say_dialling, "dialling COUNT", "checks how many SYNs of the modem wait for their outcome" },
    { "lent", say_lent, "lent COUNT", "checks for how many links the modem holds receive memory" },
};

/* ---- What a peer does -------------------------------------------------------------------------------------------- */

static bool is_number(const words_arg_t *arg)
{
    bool digits = !arg->quoted && arg->length > 0;
    for (size_t i = 0; i < arg->length; i++) {
        digits = digits && arg->text[i] >= '0' && arg->text[i] <= '9';
    }
    return digits;
}

/* Text, or a number of bytes of the counting pattern (*bytes NULL). */
static bool payload_at(words_t *words, size_t index, const uint8_t **bytes, size_t *n)
{
    const words_arg_t *arg = words_plain(words, index, "\"text\" or a number of bytes");
    if (arg == NULL) {
        return false;
    }
    long count = 0;
    *bytes = arg->text;
    *n = arg->length;
    if (is_number(arg)) {
        if (!words_number(words, arg, 1, 1000000, &count)) {
            return false;
        }
        *bytes = NULL;
        *n = (size_t)count;
    } else if (!arg->quoted) {
        return words_expected(words, arg, "\"text\" or a number of bytes");
    }
    return true;
}

static bool is_tcp(net_words_t *said, words_t *words)
{
    return said->peer->state != NET_ENDPOINT ||
           words_fail(words, words->arg[1].column, "%s speaks UDP", said->peer->name);
}

static bool is_connected(net_words_t *said, words_t *words)
{
    return is_tcp(said, words) && ((said->peer->linked && said->peer->state == NET_CONNECTED) ||
                                   words_fail(words, words->arg[1].column, "%s is not connected", said->peer->name));
}

static bool say_sends(void *context, words_t *words)
{
    net_words_t   *said = context;
    net_peer_t    *peer = said->peer;
    const uint8_t *bytes;
    size_t         n;
    long           port = peer->modem_port;
    if (!payload_at(words, 2, &bytes, &n) || !words_key_number(words, "to", 1, 65535, &port)) {
        return false;
    }
    if (peer->state == NET_ENDPOINT && port == 0) {
        return words_fail(words, words->arg[1].column, "%s has heard from no port yet: say to=PORT", peer->name);
    }
    if (peer->state != NET_ENDPOINT && (!is_connected(said, words) || n == 0 || peer->ending != CIPMUX_CAUSE_NONE)) {
        return words_fail(words, words->arg[1].column, "%s has nothing to send or has closed", peer->name);
    }
    return net_send(said->net, peer, bytes, n, (uint16_t)port) ||
           words_fail(words, words->arg[1].column, "%s has %zu bytes or %zu segments that the modem did not take",
                      peer->name, peer->outbox_used, peer->segments);
}

/* Appends bytes with escapes, cut to what fits; for an error. */
static void show(char *out, size_t size, const uint8_t *bytes, size_t n)
{
    size_t at = 0;
    for (size_t i = 0; i < n && at + 8 < size; i++) {
        if (bytes[i] == '\r' || bytes[i] == '\n') {
            at += (size_t)snprintf(out + at, size - at, "\\%c", bytes[i] == '\r' ? 'r' : 'n');
        } else if (bytes[i] >= ' ' && bytes[i] <= '~') {
            out[at++] = (char)bytes[i];
        } else {
            at += (size_t)snprintf(out + at, size - at, "\\x%02x", bytes[i]);
        }
    }
    snprintf(out + at, size - at, "%s", n > 0 && at + 8 >= size ? "..." : "");
}

static bool say_got(void *context, words_t *words)
{
    net_words_t       *said = context;
    const words_arg_t *first = words_plain(words, 2, "nothing, \"text\" or a number of bytes");
    size_t             n;
    const uint8_t     *bytes = net_received(said->net, said->peer, &n);
    long from = n != SIZE_MAX && said->peer->state == NET_ENDPOINT ? said->peer->datagram[0].from_port : 0;
    long wanted_from = from;
    if (first == NULL || !words_key_number(words, "from", 1, 65535, &wanted_from)) {
        return false;
    }
    bool           nothing = words_is(first, "nothing") && !first->quoted;
    const uint8_t *wanted = NULL;
    size_t         wanted_n = 0;
    if (!nothing && !payload_at(words, 2, &wanted, &wanted_n)) {
        return false;
    }
    bool none = said->peer->state == NET_ENDPOINT ? n == SIZE_MAX : n == 0;
    bool same = nothing ? none : n == wanted_n;
    for (size_t i = 0; same && i < n && !nothing; i++) {
        same = bytes[i] == (wanted != NULL ? wanted[i] : (uint8_t)(i % NET_PATTERN));
    }
    if (!same || wanted_from != from) {
        char shown[90];
        show(shown, sizeof shown, bytes, none ? 0 : n);
        return words_fail(words, first->column, "%s got %s (%zu bytes, port %ld): \"%s\"", said->peer->name,
                          none ? "nothing" : "other bytes", none ? 0 : n, from, shown);
    }
    net_look(said->net, said->peer);
    return true;
}

static bool say_closes(void *context, words_t *words)
{
    net_words_t *said = context;
    if (!is_connected(said, words)) {
        return false;
    }
    net_end(said->peer, CIPMUX_CAUSE_FIN);
    return true;
}

static bool say_resets(void *context, words_t *words)
{
    net_words_t *said = context;
    if (!is_connected(said, words)) {
        return false;
    }
    net_end(said->peer, CIPMUX_CAUSE_RESET);
    return true;
}

static bool say_vanishes(void *context, words_t *words)
{
    net_words_t *said = context;
    if (!is_connected(said, words)) {
        return false;
    }
    net_vanish(said->peer, words->now_us);
    return true;
}

static bool say_holds_acks(void *context, words_t *words)
{
    net_words_t *said = context;
    said->peer->holding = true;
    return is_tcp(said, words);
}

static bool say_acks(void *context, words_t *words)
{
    net_words_t *said = context;
    said->peer->holding = said->peer->unacked = false;
    return is_tcp(said, words);
}

static bool say_stalls(void *context, words_t *words)
{
    net_words_t *said = context;
    said->peer->stalled = true;
    return is_tcp(said, words);
}

static bool say_resumes(void *context, words_t *words)
{
    net_words_t *said = context;
    said->peer->stalled = false;
    return is_tcp(said, words);
}

static bool say_holds_data(void *context, words_t *words)
{
    net_words_t *said = context;
    said->peer->mute = true;
    return is_tcp(said, words);
}

static bool say_data(void *context, words_t *words)
{
    net_words_t *said = context;
    said->peer->mute = false;
    return is_tcp(said, words);
}

static bool say_peer_no_memory(void *context, words_t *words)
{
    net_words_t *said = context;
    (void)words;
    said->peer->no_memory = true;
    return true;
}

/* ---- What is checked of it --------------------------------------------------------------------------------------- */

static const char *how_it_is(const net_peer_t *peer)
{
    static const char *const states[] = {
        [NET_FREE] = "gone",
        [NET_DIALLED] = "being dialled",
        [NET_KNOCKING] = "still knocking",
        [NET_UNANSWERED] = "unanswered",
        [NET_REFUSED] = "refused",
        [NET_CONNECTED] = "connected",
        [NET_ENDPOINT] = "a UDP endpoint",
    };
    return peer->got_reset ? "reset by the modem" : peer->got_fin ? "closed by the modem" : states[peer->state];
}

static bool check(net_words_t *said, words_t *words, bool good)
{
    return is_tcp(said, words) &&
           (good || words_fail(words, words->arg[1].column, "%s is %s", said->peer->name, how_it_is(said->peer)));
}

static bool say_connected(void *context, words_t *words)
{
    net_words_t *said = context;
    return check(said, words, said->peer->state == NET_CONNECTED);
}

static bool say_refused(void *context, words_t *words)
{
    net_words_t *said = context;
    return check(said, words, said->peer->state == NET_REFUSED);
}

static bool say_was_reset(void *context, words_t *words)
{
    net_words_t *said = context;
    return check(said, words, said->peer->got_reset || said->peer->state == NET_REFUSED);
}

static bool say_unanswered(void *context, words_t *words)
{
    net_words_t *said = context;
    return check(said, words, said->peer->state == NET_UNANSWERED || said->peer->state == NET_KNOCKING);
}

static bool say_closed(void *context, words_t *words)
{
    net_words_t *said = context;
    return check(said, words, said->peer->got_fin);
}

static bool say_open(void *context, words_t *words)
{
    net_words_t *said = context;
    return check(said, words, said->peer->state == NET_CONNECTED && !said->peer->got_fin && !said->peer->got_reset);
}

static bool say_unread(void *context, words_t *words)
{
    net_words_t       *said = context;
    long               wanted = 0;
    const words_arg_t *arg = words_plain(words, 2, "a number of bytes");
    if (arg == NULL || !words_number(words, arg, 0, 1000000, &wanted)) {
        return false;
    }
    size_t unread = net_unread(said->peer);
    return unread == (size_t)wanted ||
           words_fail(words, arg->column, "the modem has not taken %zu bytes of %s", unread, said->peer->name);
}

static bool say_nodelay(void *context, words_t *words)
{
    net_words_t *said = context;
    int          wanted = choice_at(words, 2, "no", "yes");
    return wanted >= 0 && is_tcp(said, words) &&
           (said->peer->nodelay == (wanted == 1) || words_fail(words, words->arg[1].column, "%s has TCP_NODELAY %s",
                                                               said->peer->name, said->peer->nodelay ? "on" : "off"));
}

static bool say_dialled_as(void *context, words_t *words)
{
    net_words_t       *said = context;
    const words_arg_t *wanted = words_plain(words, 2, "a host name");
    const char        *name = said->peer->dialled_as;
    return wanted != NULL && is_tcp(said, words) &&
           ((strlen(name) == wanted->length && memcmp(name, wanted->text, wanted->length) == 0) ||
            words_fail(words, wanted->column, "%s was dialled as \"%s\"", said->peer->name, name));
}

const words_verb_t peer_verbs[PEER_VERBS] = {
    { "sends", say_sends, "NAME sends \"TEXT\"|COUNT [to=PORT]", "bytes or COUNT of a pattern; UDP: one datagram" },
    { "got", say_got, "NAME got \"TEXT\"|COUNT|nothing [from=PORT]",
      "checks what came since the last got; UDP: a datagram" },
    { "closes", say_closes, "NAME closes", "FIN after what was sent" },
    { "resets", say_resets, "NAME resets", "RST; what the modem had no room for is lost" },
    { "vanishes", say_vanishes, "NAME vanishes", "silently dead" },
    { "holds-acks", say_holds_acks, "NAME holds-acks", "acknowledgements are kept back until acks" },
    { "acks", say_acks, "NAME acks", "acknowledges everything so far, and from now on" },
    { "stalls", say_stalls, "NAME stalls", "its window is closed" },
    { "holds-data", say_holds_data, "NAME holds-data", "says nothing: what it sends, and its FIN, wait until data" },
    { "data", say_data, "NAME data", "says what it held back, and goes on" },
    { "resumes", say_resumes, "NAME resumes", "its window is open again" },
    { "no-memory", say_peer_no_memory, "NAME no-memory", "the modem's own stack refuses the next payload for it" },
    { "connected", say_connected, "NAME connected", "checks that the handshake was completed" },
    { "refused", say_refused, "NAME refused", "checks that its SYN met an RST" },
    { "reset", say_was_reset, "NAME reset", "checks that it got an RST" },
    { "unanswered", say_unanswered, "NAME unanswered", "checks that its SYN got no answer" },
    { "closed", say_closed, "NAME closed", "checks that it got a FIN" },
    { "open", say_open, "NAME open", "checks that it is connected and got neither FIN nor RST" },
    { "unread", say_unread, "NAME unread COUNT", "checks how many bytes it has sent that the modem did not take" },
    { "nodelay", say_nodelay, "NAME nodelay yes|no", "checks TCP_NODELAY of the modem's socket" },
    { "dialled-as", say_dialled_as, "NAME dialled-as HOST", "checks the name that the modem dialled, for TLS" },
};
