/* What hosts answer beside their connections: echoes, SNTP, names, and firmware for AT+CIUPDATE.
 *
 * Answers the requests PING, TIME and UPDATE of cipmux.h, for the hosts that the words mention; who has real ones asks those
 * for the rest. hosts_t is the world, which modems may share; hosts_client_t is what one modem waits for. No clock, no heap,
 * no I/O. */
#ifndef WORLD_HOSTS_H
#define WORLD_HOSTS_H

#include "cipmux.h"

enum { HOSTS_PINGS = 16, HOSTS_TIMES = 8, HOSTS_NAMES = 8, HOSTS_NAME = 64 };

typedef enum {
    HOSTS_TIME_SILENT,
    HOSTS_TIME_UNKNOWN, /* there is no such host */
    HOSTS_TIME_SAID,
} hosts_time_kind_t;

typedef struct {
    char              name[HOSTS_NAME + 1]; /* as AT+CIPSNTPCFG gives it; "any": every one that is not mentioned */
    hosts_time_kind_t kind;
    uint64_t          utc_us, said_us; /* SAID: it was that time then */
    uint64_t          after_us;
} hosts_time_t;

typedef struct {
    struct {
        cipmux_address_t at;
        uint64_t         us;
        bool             lost;
    } ping[HOSTS_PINGS];
    size_t       pings;
    hosts_time_t time[HOSTS_TIMES];
    size_t       times;
    uint64_t     clock_us; /* who has a clock: its time, UTC, at time 0; else 0. The owner's to set */
    struct {
        uint8_t ip[4];
        bool    dead;
    } name_server[HOSTS_NAMES];
    size_t   name_servers;
    bool     names_dead;   /* no name server answers */
    uint8_t  update_steps; /* how many of the five steps of UPDATE succeed; 0: there is no server */
    bool     update_hangs; /* then nothing more comes */
    uint64_t update_us;    /* each step takes so long */
} hosts_t;

typedef struct {
    bool     used;
    uint16_t ticket;
    uint64_t due_us;
} hosts_wait_t;

typedef struct {
    hosts_wait_t   ping, time, update;
    uint32_t       ping_ms;
    cipmux_cause_t time_cause;
    uint64_t       time_utc_us; /* when it is due */
    uint8_t        step;
} hosts_client_t;

/* Nobody is mentioned. */
void hosts_init(hosts_t *hosts);
void hosts_client_init(hosts_client_t *client);

/* True: a PING, TIME or UPDATE that the words settle, and be it by silence. An UPDATE always is one. */
bool hosts_request(const hosts_t *hosts, hosts_client_t *client, uint64_t now_us, const cipmux_request_t *request);
/* Offers what is due. True: the modem took something. */
bool hosts_offer(const hosts_t *hosts, hosts_client_t *client, uint64_t now_us, cipmux_t *modem);
/* The next time after `now_us` at which something becomes due, or CIPMUX_NEVER. */
uint64_t hosts_deadline(const hosts_client_t *client, uint64_t now_us);

/* The same host, whatever the port. */
bool hosts_same(const cipmux_address_t *a, const cipmux_address_t *b);
/* What is said of an SNTP server, or NULL. */
const hosts_time_t *hosts_time(const hosts_t *hosts, const char *name, size_t length);
bool                hosts_name_server_is_dead(const hosts_t *hosts, const uint8_t ip[4]);

#endif
