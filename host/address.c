/* Virtual and real addresses, their texts, and the rules of publishing. See address.h. */
#include "address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t this_computer[4] = { 10, 0, 2, 2 };
static const uint8_t loopback4[4] = { 127, 0, 0, 1 };
static const uint8_t loopback4_broadcast[4] = { 127, 255, 255, 255 };
static const uint8_t loopback6[16] = { [15] = 1 };

static bool begins(const cipmux_address_t *address, uint8_t a, uint8_t b, uint8_t c)
{
    return address->family == 4 && address->bytes[0] == a && address->bytes[1] == b && address->bytes[2] == c;
}

static bool is(const cipmux_address_t *address, const uint8_t bytes[4])
{
    return address->family == 4 && memcmp(address->bytes, bytes, 4) == 0;
}

bool address_is_loopback(const cipmux_address_t *address)
{
    if (address->family == 4) return address->bytes[0] == 127;
    return address->family == 6 && memcmp(address->bytes, loopback6, sizeof loopback6) == 0;
}

bool address_same(const cipmux_address_t *a, const cipmux_address_t *b)
{
    return a->family == b->family && a->port == b->port && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

static bool is_unspecified(const cipmux_address_t *address)
{
    static const uint8_t zero[16];
    return memcmp(address->bytes, zero, address->family == 4 ? 4 : sizeof zero) == 0;
}

static bool is_broadcast(const cipmux_address_t *address)
{
    static const uint8_t everybody[4] = { 255, 255, 255, 255 };
    return is(address, everybody) || (begins(address, 10, 0, 2) && address->bytes[3] == 255);
}

static bool is_multicast(const cipmux_address_t *address)
{
    return address->family == 4 ? (address->bytes[0] & 0xf0) == 0xe0 : address->bytes[0] == 0xff;
}

static address_route_t nowhere(host_reason_t reason)
{
    return (address_route_t){ .reason = reason };
}

static address_route_t here(const cipmux_address_t *to, host_reason_t remark)
{
    address_route_t route = { .real = *to, .reachable = true, .here = true, .reason = remark };
    if (to->family == 4 && !is_unspecified(to)) memcpy(route.real.bytes, loopback4, sizeof loopback4);
    return route;
}

static address_route_t beyond(address_scope_t scope, const cipmux_address_t *to)
{
    address_route_t route = { .real = *to, .reachable = true };
    if (is_broadcast(to)) {
        route.broadcast = true;
        route.here = scope == SCOPE_LOCAL;
        if (route.here) memcpy(route.real.bytes, loopback4_broadcast, sizeof loopback4_broadcast);
        return route;
    }
    if (is_multicast(to)) {
        route.multicast = true;
        route.here = scope == SCOPE_LOCAL;
        return route;
    }
    return scope == SCOPE_ALL ? route : nowhere(HOST_REASON_NET_LIMIT);
}

address_route_t address_route(address_scope_t scope, cipmux_route_t by, bool station, const cipmux_address_t *to)
{
    if (scope == SCOPE_NONE) return nowhere(HOST_REASON_NET_LIMIT);
    if (by == CIPMUX_NO_ROUTE) return nowhere(HOST_REASON_SOFT_AP_ONLY);
    if (by == CIPMUX_BY_SOFT_AP) return station ? here(to, HOST_REASON_NONE) : nowhere(HOST_REASON_NOBODY_THERE);
    if (is(to, this_computer) || is_unspecified(to)) return here(to, HOST_REASON_NONE);
    if (address_is_loopback(to)) return here(to, HOST_REASON_LOOPBACK_IS_MODULE);
    if (begins(to, 10, 0, 2) && !is_broadcast(to)) return nowhere(HOST_REASON_NOBODY_THERE);
    return beyond(scope, to);
}

cipmux_address_t address_seen(const cipmux_address_t *peer, const cipmux_address_t *local, const uint8_t computer[4])
{
    cipmux_address_t seen = *peer;
    bool             own = address_is_loopback(peer) ||
               (local && local->family == peer->family && memcmp(local->bytes, peer->bytes, sizeof peer->bytes) == 0);
    if (own && peer->family == 4) memcpy(seen.bytes, computer ? computer : this_computer, 4);
    return seen;
}

bool address_parse(const char *text, size_t length, cipmux_address_t *out)
{
    char copy[INET6_ADDRSTRLEN];
    *out = (cipmux_address_t){ 0 };
    if (length == 0 || length >= sizeof copy) return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    if (inet_pton(AF_INET, copy, out->bytes) == 1)
        out->family = 4;
    else if (inet_pton(AF_INET6, copy, out->bytes) == 1)
        out->family = 6;
    return out->family != 0;
}

const char *address_text(const cipmux_address_t *address, char *out)
{
    char ip[INET6_ADDRSTRLEN] = "?";
    inet_ntop(address->family == 6 ? AF_INET6 : AF_INET, address->bytes, ip, sizeof ip);
    snprintf(out, ADDRESS_TEXT_MAX, address->family == 6 ? "[%s]:%u" : "%s:%u", ip, (unsigned)address->port);
    return out;
}

socklen_t address_to_sockaddr(const cipmux_address_t *address, struct sockaddr_storage *out)
{
    memset(out, 0, sizeof *out);
    if (address->family == 6) {
        struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(address->port) };
        memcpy(&six.sin6_addr, address->bytes, sizeof six.sin6_addr);
        memcpy(out, &six, sizeof six);
        return sizeof six;
    }
    struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(address->port) };
    memcpy(&four.sin_addr, address->bytes, sizeof four.sin_addr);
    memcpy(out, &four, sizeof four);
    return sizeof four;
}

cipmux_address_t address_from_sockaddr(const struct sockaddr_storage *from)
{
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
    cipmux_address_t     address = { 0 };
    if (from->ss_family == AF_INET) {
        struct sockaddr_in four;
        memcpy(&four, from, sizeof four);
        address.family = 4;
        address.port = ntohs(four.sin_port);
        memcpy(address.bytes, &four.sin_addr, sizeof four.sin_addr);
    } else if (from->ss_family == AF_INET6) {
        struct sockaddr_in6 six;
        memcpy(&six, from, sizeof six);
        address.family = 6;
        address.port = ntohs(six.sin6_port);
        memcpy(address.bytes, &six.sin6_addr, sizeof six.sin6_addr);
        if (memcmp(address.bytes, mapped, sizeof mapped) == 0) { /* an IPv4 client of an IPv6 socket */
            address.family = 4;
            memmove(address.bytes, address.bytes + sizeof mapped, 4);
            memset(address.bytes + 4, 0, sizeof mapped);
        }
    }
    return address;
}

cipmux_address_t address_of_socket(int fd)
{
    struct sockaddr_storage local = { 0 };
    socklen_t               length = sizeof local;
    if (getsockname(fd, (struct sockaddr *)&local, &length) != 0) return (cipmux_address_t){ 0 };
    return address_from_sockaddr(&local);
}

/* Reads the decimal port in text[0..length). -1: it is not one. */
static long parse_port(const char *text, size_t length)
{
    long value = 0;
    if (length == 0 || length > 5) return -1;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9') return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value <= UINT16_MAX ? value : -1;
}

/* The last ':' of text[0..length), or NULL. */
static const char *last_colon(const char *text, size_t length)
{
    while (length > 0)
        if (text[--length] == ':') return text + length;
    return NULL;
}

/* Takes "/udp" or "/tcp" off the end. False: something else is behind a slash. */
static bool parse_protocol(const char *text, size_t *length, bool *udp)
{
    const char *slash = strrchr(text, '/');
    *length = slash ? (size_t)(slash - text) : strlen(text);
    *udp = slash && slash[1] == 'u';
    return !slash || strcmp(slash, "/udp") == 0 || strcmp(slash, "/tcp") == 0;
}

/* An address in front of a colon: IPv6 needs its brackets. */
static bool parse_ip(const char *text, size_t length, cipmux_address_t *out)
{
    if (length >= 2 && text[0] == '[' && text[length - 1] == ']') return address_parse(text + 1, length - 2, out);
    return !memchr(text, ':', length) && address_parse(text, length, out);
}

bool publish_parse(const char *text, publish_t *out)
{
    size_t    length;
    publish_t rule = { 0 };
    if (!parse_protocol(text, &length, &rule.udp)) return false;
    const char *colon = last_colon(text, length);
    if (!colon) return false;
    long        port = parse_port(colon + 1, length - (size_t)(colon + 1 - text));
    size_t      head = (size_t)(colon - text);
    const char *before = last_colon(text, head);
    const char *host_port = before ? before + 1 : text;
    long        at = parse_port(host_port, (size_t)(colon - host_port));
    if (port < 1 || at < 0 || (before && !parse_ip(text, (size_t)(before - text), &rule.at))) return false;
    rule.at.port = (uint16_t)at;
    rule.port = (uint16_t)port;
    *out = rule;
    return true;
}

static cipmux_address_t loopback(uint8_t family, uint16_t port)
{
    cipmux_address_t address = { .family = family == 6 ? 6 : 4, .port = port };
    if (address.family == 6)
        memcpy(address.bytes, loopback6, sizeof loopback6);
    else
        memcpy(address.bytes, loopback4, sizeof loopback4);
    return address;
}

cipmux_address_t publish_find(const publish_t *rules, size_t count, bool udp, uint16_t port, uint8_t family)
{
    uint16_t usual = (uint16_t)(port < 1024 && port != 0 ? port + PUBLISH_SHIFT : port);
    for (size_t i = count; i > 0; i--) {
        const publish_t *rule = &rules[i - 1];
        cipmux_address_t at = rule->at;
        if (rule->udp != udp || (rule->port != 0 && rule->port != port)) continue;
        if (rule->port == 0) at.port = usual;
        if (rule->port == 0 && at.family != family) continue;
        return at.family ? at : loopback(family, at.port);
    }
    return loopback(family, usual);
}

bool redirect_parse(const char *text, redirect_t *out)
{
    size_t     length;
    redirect_t rule = { 0 };
    if (!parse_protocol(text, &length, &rule.udp)) return false;
    const char *colon = last_colon(text, length);
    const char *before = colon ? last_colon(text, (size_t)(colon - text)) : NULL;
    if (!before || !parse_ip(text, (size_t)(before - text), &rule.from)) return false;
    long port = parse_port(before + 1, (size_t)(colon - before) - 1);
    long host_port = parse_port(colon + 1, length - (size_t)(colon + 1 - text));
    if (port < 1 || host_port < 1) return false;
    rule.from.port = (uint16_t)port;
    rule.port = (uint16_t)host_port;
    *out = rule;
    return true;
}

cipmux_address_t redirect_to(const redirect_t *rule)
{
    return loopback(rule->from.family, rule->port);
}

const redirect_t *redirect_find(const redirect_t *rules, size_t count, bool udp, const cipmux_address_t *to)
{
    for (size_t i = count; i > 0; i--)
        if (rules[i - 1].udp == udp && address_same(&rules[i - 1].from, to)) return &rules[i - 1];
    return NULL;
}

const redirect_t *redirect_back(const redirect_t *rules, size_t count, bool udp, const cipmux_address_t *real)
{
    for (size_t i = count; i > 0; i--) {
        cipmux_address_t to = redirect_to(&rules[i - 1]);
        if (rules[i - 1].udp == udp && address_same(&to, real)) return &rules[i - 1];
    }
    return NULL;
}
