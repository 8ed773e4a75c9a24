/* Multicast DNS (RFC 6762) and service discovery (RFC 6763) as bytes: what a question asks of one host with one service, and
 * the answer to it. Pure functions; whatever arrives may be nonsense.
 *
 *   HOST.local                          A      the address
 *   SERVICE._tcp.local                  PTR    HOST.SERVICE._tcp.local
 *   HOST.SERVICE._tcp.local             SRV    HOST.local and the port
 *   HOST.SERVICE._tcp.local             TXT    what the module says about itself
 *   _services._dns-sd._udp.local        PTR    SERVICE._tcp.local */
#ifndef HOST_MDNS_PACKET_H
#define HOST_MDNS_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MDNS_PORT = 5353,
    MDNS_LABEL = 63,
    MDNS_PACKET = 1472, /* bytes; every answer fits */
    MDNS_ABOUT = 120,
};

/* Who answers. Labels are any bytes. */
typedef struct {
    uint8_t  host[MDNS_LABEL], service[MDNS_LABEL]; /* the service with its underscore */
    uint8_t  host_length, service_length;           /* 1 to MDNS_LABEL */
    uint16_t port;
    char     about[MDNS_ABOUT]; /* the strings of TXT, '\n' between */
} mdns_host_t;

/* The records, each a bit of a set. */
enum {
    MDNS_A = 1,
    MDNS_PTR = 2,
    MDNS_SRV = 4,
    MDNS_TXT = 8,
    MDNS_TYPES = 16, /* the PTR of all services */
    MDNS_ALL = 31,
};

typedef struct {
    unsigned records;  /* what is asked for and not known yet; 0: nothing */
    bool     unicast;  /* each question wants its answer for itself alone */
    uint16_t id;       /* of the packet */
    size_t   question; /* length of the first question, which begins behind the header */
} mdns_question_t;

/* Reads n bytes. False: it is no question, or malformed; then nothing is answered. */
bool mdns_read(const mdns_host_t *host, const uint8_t *packet, size_t n, mdns_question_t *out);

typedef enum {
    MDNS_ANSWER,  /* to everybody, or to one that knows multicast DNS */
    MDNS_LEGACY,  /* to a plain resolver, which asked from another port: its question is repeated, and TTLs are short */
    MDNS_GOODBYE, /* the records are gone */
} mdns_kind_t;

/* Writes records and what usually is asked next; `question` and `packet` are those of mdns_read() for LEGACY, else NULL. Returns
 * the length. */
size_t mdns_write(uint8_t out[MDNS_PACKET], const mdns_host_t *host, unsigned records, mdns_kind_t kind,
                  const uint8_t address[4], const mdns_question_t *question, const uint8_t *packet);

#endif
