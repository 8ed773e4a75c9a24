/* The world around one modem: the air, the network, and the words that describe both.
 *
 *   world_init(&world, &modem);             // behind cipmux_power_on()
 *   if (!world_say(&world, now, "listen server 10.0.2.2:5000", error, sizeof error)) puts(error);
 *   while (cipmux_request(&modem, now, &request)) world_request(&world, now, &request);
 *   while (world_offer(&world, now)) { ... requests, poll ... }
 *   wait until the sooner of cipmux_deadline(&modem) and world_deadline(&world, now)
 *
 * No clock, no heap, no I/O. */
#ifndef WORLD_WORLD_H
#define WORLD_WORLD_H

#include "faults.h"
#include "gpio.h"
#include "hosts.h"
#include "hosts_words.h"
#include "net.h"
#include "net_words.h"
#include "radio.h"
#include "radio_words.h"
#include "serial.h"
#include "words.h"

/* Owned by the caller; about 1.2 MB. */
typedef struct {
    cipmux_t       *modem;
    radio_t         radio;
    radio_station_t station;
    gpio_t          pins;
    hosts_t         hosts;
    hosts_client_t  client;
    bool            uart_stopped; /* nobody polls the modem's UART: for whoever does that */
    bool            wired;        /* its UART ends in `serial`, whose far side whoever uses this world has */
    serial_t        serial;       /* valid if wired */
    bool            line_asked;   /* the modem waits for LINE_SET */
    cipmux_line_t   line;         /* how the far side sees the UART now */
    char            mdns[160];    /* what the modem answers for by mDNS: "HOST SERVICE PORT"; "" nothing */
    char            about[120];   /* and the strings of its TXT record, '\n' between */
    faults_t        faults;       /* of the UART's line */
    bool            flash_fails;  /* to store */
    bool            store_asked;  /* the modem waits for STORED */
    uint8_t         image[CIPMUX_IMAGE_MAX];
    size_t          image_size;
    bool            rom_talks; /* at a rate of its own, which the far side does not know */
    uart_t          rom;       /* the wire meanwhile */
    words_t         words;
    net_t           net;
    char            fault[200];
} world_t;

enum { WORLD_VERBS = 5 };
extern const words_verb_t world_verbs[WORLD_VERBS]; /* phase, uart, line, mdns, flash; context a world_t */

/* One access point ("lab"), no names, no peers. `modem` must outlive the world. */
void world_init(world_t *world, cipmux_t *modem);
/* Says one line of words. False: `error` says which column and why; a check that failed is an error too. */
bool world_say(world_t *world, uint64_t now_us, const char *line, char *error, size_t size);
/* Takes any request of the modem. */
void world_request(world_t *world, uint64_t now_us, const cipmux_request_t *request);
/* Offers what is due and moves bytes. True: something moved, so requests and output may wait. */
bool world_offer(world_t *world, uint64_t now_us);
/* What the modem printed while the ROM talks, until the next LINE: it is noise for the far side, which reads on at its own
 * rate. world_noise() gives what it read, at most UART_AIR bytes of each request ROM_LINE. */
void   world_rom_says(world_t *world, const void *bytes, size_t n);
size_t world_noise(world_t *world, void *out, size_t capacity);
/* Bytes of the UART's far side, through the faults of the line, if there are any, and the line itself, if it is wired.
 * Returns how many were taken. */
size_t world_type(world_t *world, uint64_t now_us, const void *bytes, size_t n);
/* What arrives at the far side now. Returns how many bytes. */
size_t world_read(world_t *world, uint64_t now_us, void *out, size_t capacity);
/* The next time after `now_us` at which something becomes due, or CIPMUX_NEVER. */
uint64_t world_deadline(const world_t *world, uint64_t now_us);
/* What went wrong in the world itself (a pool overflowed, the modem broke the contract, what a fault wanted to say is not
 * right); "" if nothing did. */
const char *world_fault(const world_t *world);

#endif
