/* The two sides of an address: virtual, as the modem sees it, and real, as this computer's sockets need it.
 *
 *   virtual                         real
 *   10.0.2.2                        this computer: 127.0.0.1, with the real port
 *   127.0.0.0/8, ::1                this computer too, with a remark: on hardware it is the module itself
 *   the rest of 10.0.2.0/24         nobody
 *   10.0.2.255, 255.255.255.255     broadcast
 *   a station of the soft-AP        this computer
 *   everything else                 itself
 *
 * Also what a published port is: the rule of --publish, and the default when no rule fits; and the rules of --redirect,
 * which stand above the map. */
#ifndef HOST_ADDRESS_H
#define HOST_ADDRESS_H

#include "cipmux.h"
#include "reasons.h"

#include <sys/socket.h>

enum { ADDRESS_TEXT_MAX = 56 }; /* "[...]:65535" and its end */

/* What the modem may reach: --net. */
typedef enum { SCOPE_ALL, SCOPE_LOCAL, SCOPE_NONE } address_scope_t;

typedef struct {
    cipmux_address_t real;
    bool             reachable;
    bool             here;      /* on this computer: bind to loopback */
    bool             broadcast; /* needs SO_BROADCAST */
    bool             multicast; /* needs a membership */
    bool             modems;    /* only other modems of this process hear it; `here` is set too */
    host_reason_t    reason;    /* not reachable: why. Reachable: a remark, or HOST_REASON_NONE */
} address_route_t;

/* Where a virtual address leads. `by`: the interface by which the modem reaches it. `station`: by the soft-AP, whether a
 * station has this address. */
address_route_t address_route(address_scope_t scope, cipmux_route_t by, bool station, const cipmux_address_t *to);

/* What the modem sees of a real peer: one on this computer is `computer`, NULL: 10.0.2.2. `local` is our end, or NULL. */
cipmux_address_t address_seen(const cipmux_address_t *peer, const cipmux_address_t *local, const uint8_t computer[4]);

bool address_is_loopback(const cipmux_address_t *address);
/* Same family, address and port. */
bool address_same(const cipmux_address_t *a, const cipmux_address_t *b);

/* Text without brackets or port, such as "10.0.2.2" or "::1". False: it is not an address. The port becomes 0. */
bool address_parse(const char *text, size_t length, cipmux_address_t *out);
/* "10.0.2.2:80" or "[::1]:80" into out[ADDRESS_TEXT_MAX]; returns out. */
const char *address_text(const cipmux_address_t *address, char *out);

socklen_t        address_to_sockaddr(const cipmux_address_t *address, struct sockaddr_storage *out);
cipmux_address_t address_from_sockaddr(const struct sockaddr_storage *from);
/* Our own end of a socket; family 0 if it has none. */
cipmux_address_t address_of_socket(int fd);

/* One --publish: the modem's `port` is found at `at`. */
typedef struct {
    cipmux_address_t at;
    uint16_t         port; /* 0: each port of that family, at at.bytes and its usual number */
    bool             udp;
} publish_t;

/* One --redirect: what the modem finds at `from` is `port` of this computer. */
typedef struct {
    cipmux_address_t from; /* virtual */
    uint16_t         port;
    bool             udp;
} redirect_t;

enum { PUBLISH_SHIFT = 8000 }; /* ports below 1024 appear that much higher */

/* "[ADDRESS:]HOSTPORT:PORT[/udp]", an IPv6 address in brackets. False: it is not that. */
bool publish_parse(const char *text, publish_t *out);
/* Where `port` is to appear: the last rule that fits, else loopback at `port`, or PUBLISH_SHIFT higher below 1024. */
cipmux_address_t publish_find(const publish_t *rules, size_t count, bool udp, uint16_t port, uint8_t family);

/* "ADDRESS:PORT:HOSTPORT[/udp]", an IPv6 address in brackets. False: it is not that. */
bool redirect_parse(const char *text, redirect_t *out);
/* The last rule for this virtual address and port, or for this real one; NULL: none. */
const redirect_t *redirect_find(const redirect_t *rules, size_t count, bool udp, const cipmux_address_t *to);
const redirect_t *redirect_back(const redirect_t *rules, size_t count, bool udp, const cipmux_address_t *real);
/* Where it leads: loopback, of the same family. */
cipmux_address_t redirect_to(const redirect_t *rule);

#endif
