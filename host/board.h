/* The modem's board: one cipmux_t, and what this computer gives it - a UART's far side, sockets, names, a simulated
 * radio.
 *
 * The board runs on a libuv loop. Whatever happens (a socket is ready, a timer is over) only sets flags and calls
 * board_wake(); the one function that talks to the engine is the board's turn, which runs once per pass of the loop. So
 * nothing is re-entered, and a burst of events costs one write to the serial line. Several boards share one loop.
 *
 * A stepped board is for a program with a time of its own (a simulator): board_set_clock() before anything else, then
 * board_step() whenever board_deadline() has come; the loop only brings what the sockets have. */
#ifndef HOST_BOARD_H
#define HOST_BOARD_H

#include "address.h"
#include "cipmux.h"
#include "dns.h"
#include "faults.h"
#include "flash.h"
#include "gpio.h"
#include "hosts.h"
#include "log.h"
#include "mdns.h"
#include "mishap.h"
#include "neighbours.h"
#include "net.h"
#include "ping.h"
#include "port.h"
#include "publisher.h"
#include "radio.h"
#include "record.h"
#include "sntp.h"
#include "sockets.h"
#include "wire.h"

#include <uv.h>

typedef struct board board_t;

/* What a board is. Owned by the caller; must outlive the board. */
typedef struct {
    cipmux_config_t   modem;
    address_scope_t   net;
    const publish_t  *publish;
    size_t            publish_count;
    const redirect_t *redirect;
    size_t            redirect_count;
    bool              reset_on_open; /* --boot=open: each opening of the serial port resets the modem */
    wire_pace_t       pace;
    radio_t          *air;       /* the access points */
    gpio_t            pins;      /* what is connected to the modem at first */
    net_t            *simulated; /* the network, instead of sockets and names; NULL: the real one */
    bool              stepped;   /* the caller calls board_step() */
    flash_t          *flash;     /* where settings are kept; NULL: as long as the program runs */
    const hosts_t    *hosts;     /* who answers pings, SNTP, names and updates in place of real ones */
    unsigned          number;    /* which modem this is, for the log and its address */
    const char       *name;      /* the same for people; NULL: it is the only one */
    const faults_t   *faults;    /* of the serial line, at first; NULL: none, ever */
    const mishaps_t  *mishaps;   /* of the network, at first; NULL: none */
    FILE             *record;    /* the session as a transcript; becomes the board's. NULL: none */
    void (*say)(void *context, board_t *board, const char *line); /* says the words of a fault */
    void *say_context;

    const neighbours_t *neighbours; /* the other modems, or NULL */
} board_config_t;

enum { BOARD_PORTS = 2 };

struct board {
    const board_config_t *config;
    log_t                *log;
    uv_loop_t            *loop;
    cipmux_config_t       modem_config; /* config->modem with the memory below */
    cipmux_t              modem;
    uint8_t               heap[CIPMUX_HEAP_SIZE], user_flash[CIPMUX_FLASH_SIZE];
    radio_station_t       station;
    gpio_t                pins;
    hosts_client_t        client;
    sockets_t             sockets;
    publisher_t           publisher;
    dns_t                 dns;
    ping_t                ping;
    sntp_t                sntp;
    mdns_t                mdns;
    wire_t                wire;
    faults_t             *faults; /* of the serial line, or NULL */
    mishaps_t             mishaps;
    unsigned long         faults_injected;
    record_t             *record;             /* or NULL */
    port_t               *ports[BOARD_PORTS]; /* who comes first has the modem */
    size_t                port_count;
    port_t               *port; /* the one that has it, or had it last */
    uint32_t              noted[CIPMUX_REASON_COUNT], host_noted[HOST_REASON_COUNT]; /* how often, since power-on */

    bool       woken;     /* something waits for the board's turn */
    uv_idle_t  turn;      /* active while woken, unless the board is stepped */
    uv_timer_t timer;     /* the next deadline */
    uint64_t   linger_us; /* after the end of the input: how long it must be quiet; 0: does not end by itself */

    void (*finished)(void *context); /* the input is over and the modem has been quiet, or the person quits */
    void *context;
};

/* Powers the modem on. False: no memory or no descriptor; errno says which. */
bool board_open(board_t *board, uv_loop_t *loop, const board_config_t *config, log_t *log);
/* Plugs in a far side of the UART, which then belongs to the board. At least one, at most BOARD_PORTS. */
void board_plug(board_t *board, port_t *port);
/* Ends every link with FIN, stops the server, unplugs the ports. Run the loop until it is empty, then free the
 * memory. */
void board_close(board_t *board);

/* The time of the process, in microseconds from anywhere: the computer's, or that of a clock set before it is asked. */
uint64_t board_now(void);
void     board_set_clock(uint64_t (*now_us)(void));

/* For who steps a board. When the next step is due, 0: at once; CIPMUX_NEVER: not before something happens. To be asked
 * after a step, and kept: what is looked at every so often is due so much later than `now_us`. board->woken says that
 * something has happened meanwhile. */
uint64_t board_deadline(board_t *board, uint64_t now_us);
void     board_step(board_t *board);
/* A link, a dial, a lookup, an echo or a question for the time is open, so that the next thing to happen may come from
 * the network. */
bool board_is_online(const board_t *board);

/* Who this computer is on the modem's networks: the gateway 10.0.2.2; on a soft-AP, its own or another modem's, the first
 * station of the world file. */
void board_computer(const board_t *board, uint8_t ip[4]);
/* Where an address and port of the modem's lead. On a soft-AP, its own or another modem's, every station of the world file is
 * this computer; without any, and without another modem, 192.168.4.2 is. --redirect comes first. */
address_route_t board_route(const board_t *board, cipmux_type_t type, const cipmux_address_t *to);

/* For the parts of the board. */
void board_wake(board_t *board);
/* The far side of a port was opened, or left. */
void board_far_side(port_t *port, bool open);
/* Another port than this one has somebody. */
bool board_is_taken(const port_t *port);
/* Before an event: a record takes what the modem has to say. */
void board_settle(board_t *board, uint64_t now_us);
/* Reset pin. */
void board_reset(board_t *board);
/* The far side has no more input: the board finishes when all of it was taken and nothing was printed for so long. */
void board_linger(board_t *board, uint64_t quiet_us);
/* Says what faults want said, and logs those that were injected. True: something was said. */
bool board_say_due(board_t *board, uint64_t now_us);
/* Ends now: as if the program were asked to. */
void board_finish(board_t *board);

/* Writes a record of this board. `format` is printf's, for the human part; NULL: none. */
__attribute__((format(printf, 3, 4))) void board_log(board_t *board, const log_record_t *record, const char *format,
                                                     ...);
/* The same for a reason of the program, with its sentence. */
void board_log_reason(board_t *board, log_record_t record, host_reason_t reason);
/* Counts a reason that is logged in another way. */
void board_noted(board_t *board, host_reason_t reason);

#endif
