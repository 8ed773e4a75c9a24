/* A desk: one driver and one modem in its world, bolted together by two wires, all on one virtual clock.
 *
 *   driver -> transmit ring -> UART line -> faults -> modem's FIFO -> cipmux_sink()
 *   driver <- receive ring  <- faults <- UART line <- cipmux_poll()
 *
 * The microcontroller's main loop (sink, then poll) turns each `period_us` while anything moves, and else at the
 * driver's deadline; the clock jumps from one thing that happens to the next. Nothing sleeps, everything repeats from a
 * seed.
 *
 *   static desk_t desk;
 *   desk_options_t options = desk_options("esp-at-2.3");
 *   options.driver.ssid = "lab", options.driver.password = "password";
 *   desk_start(&desk, &options);
 *   desk_say(&desk, "listen server 10.0.2.2:7");
 *   assert(desk_await(&desk, CIPDRV_UP, DESK_ANY, 30 * DESK_SECOND));
 *
 * The driver's features are macros, so there is a desk per feature set: one library per set in tests/CMakeLists.txt,
 * and whoever links it is compiled with the same macros. */
#ifndef DESK_H
#define DESK_H

#include "internal.h" /* tests look at the driver's stage, and never change it */
#include "uart.h"
#include "world.h"

#include <stdio.h>

enum {
    DESK_ANY = 254,      /* any link, for desk_await() */
    DESK_EVENTS = 1024,  /* events that are remembered */
    DESK_UNITS = 65536,  /* units that are remembered */
    DESK_WINDOW = 8192,  /* bytes of a wire that are remembered, a power of two */
    DESK_HARMS_MAX = 64, /* faults at chosen bytes that wait */
    DESK_HELD = 2048,    /* bytes that the modem does not take yet */
    DESK_RING_MAX = 1024,
    DESK_NO_OFFSET = 0xffff,
};
#define DESK_SECOND UINT64_C(1000000)

typedef struct desk desk_t;

typedef enum { DESK_TO_MODEM, DESK_TO_DRIVER, DESK_WIRES } desk_wire_t;

/* What a wire does to a byte. */
typedef enum {
    DESK_FLIP,   /* one bit is another */
    DESK_DROP,   /* it is lost */
    DESK_INSERT, /* another one comes before it */
    DESK_BURST,  /* it and up to 39 that follow are lost */
    DESK_GARBLE, /* it and up to 39 that follow are random */
    DESK_HARMS
} desk_harm_t;

/* ---- What went over a wire --------------------------------------------------------------------------------------- */

/* A unit is what stands or falls together: a line with the empty line before it, a frame with its header, an AT+CIPSEND
 * with its payload. Faults touch units. What is a frame the modem's inside tells: an echo is none, whatever it spells. */
typedef enum { DESK_TEXT, DESK_FRAME, DESK_PIECE } desk_kind_t;

typedef struct {
    desk_kind_t kind;
    bool        touched;  /* by a fault */
    bool        head;     /* in front of its payload */
    uint16_t    lost;     /* bytes of it that a fault took */
    uint16_t    added;    /* bytes that a fault put into it */
    uint8_t     link;     /* FRAME, PIECE */
    uint8_t     life;     /* FRAME: of that link */
    int16_t     peer;     /* FRAME: index in world.net.peer, -1: it is there no more */
    uint16_t    n;        /* FRAME: bytes of payload that it announces; PIECE: that the driver means */
    uint64_t    at_us;    /* when it began to be sent */
    uint32_t    answers;  /* TEXT, FRAME: unit of the command that the modem had read last before it */
    bool        misled;   /* a fault touched that command, as the modem read it */
    uint32_t    tag[5];   /* the test's */
    char        text[24]; /* how it begins, without CR LF */
} desk_unit_t;

/* One byte of a wire. */
typedef struct {
    uint32_t unit;
    uint16_t offset;  /* in the payload of a FRAME or PIECE; DESK_NO_OFFSET: elsewhere */
    uint8_t  value;   /* as it was sent */
    bool     starts;  /* a line, or what stands before it */
    bool     strange; /* printed by a modem that was reset, up to the end of its echo */
} desk_byte_t;
#define DESK_NO_INDEX                                                                                                  \
    UINT64_MAX /* of a byte that nobody has sent: a fault put it in, or it was read at the wrong rate */

/* A byte as it arrived. */
typedef struct {
    uint64_t index; /* of the sent byte that it is, or DESK_NO_INDEX */
    uint8_t  value;
} desk_arrival_t;

typedef struct {
    uint64_t    sent, arrived; /* bytes so far; the next one's index */
    bool        straight;      /* what arrives is what was sent: both ends have had the same rate all the time */
    uint32_t    unit;          /* that is being sent */
    size_t      printed;       /* bytes of it that are neither CR nor LF */
    uint32_t    payload;       /* bytes of its payload that are still to come */
    uint16_t    offset;        /* of its next byte of payload */
    bool        strange;
    char        tail[24];         /* last bytes sent, the latest last */
    uint32_t    losing, garbling; /* bytes that the present burst still takes */
    desk_byte_t was[DESK_WINDOW]; /* sent bytes, by index */
} desk_line_t;

typedef struct {
    uint64_t at_us;
    uint16_t n;
    uint8_t  event, link;
} desk_event_t;

/* ---- How a desk is made ------------------------------------------------------------------------------------------ */

/* The program on the microcontroller: the driver's handler, with the desk. */
typedef uint16_t desk_program_t(desk_t *desk, uint8_t event, uint8_t link, void *data, uint16_t n);
/* The people in the network: called whenever something may have moved. True: they did something. */
typedef bool desk_network_t(desk_t *desk);
/* A frame's header, or a piece's command, begins to be sent: time to set unit->tag. */
typedef void desk_unit_begins_t(desk_t *desk, desk_wire_t wire, uint32_t unit);
/* The driver's reader is about to get a byte, or within what it takes for a frame up to n; and: it has taken so many. */
typedef void desk_reads_t(desk_t *desk, const uint8_t *data, size_t n);
/* The modem has the payload of an AT+CIPSEND for `peer` (-1: nobody is there any more): these n bytes. */
typedef void desk_collected_t(desk_t *desk, int16_t peer, const desk_arrival_t *bytes, size_t n);

typedef struct {
    const char         *dialect;
    bool                real;              /* times as measured on modules; else as short as can be */
    cipdrv_config_t     driver;            /* its handler is the desk's */
    desk_program_t     *program;           /* NULL: takes all, wants nothing */
    desk_network_t     *network;           /* NULL: nobody */
    desk_unit_begins_t *begins;            /* NULL: nobody asks */
    desk_reads_t       *reads, *has_read;  /* NULL: nobody asks */
    desk_collected_t   *collected;         /* NULL: nobody asks */
    void               *context;           /* the test's */
    uint64_t            seed;              /* of the faults */
    uint32_t            period_us;         /* of the main loop */
    uint16_t            receive, transmit; /* depth of the microcontroller's rings, bytes, to DESK_RING_MAX */
    uint32_t            every[DESK_WIRES][DESK_HARMS]; /* a fault each so many bytes on average; 0: none */
    FILE               *trace;                         /* NULL: none */
} desk_options_t;

/* ---- The desk ---------------------------------------------------------------------------------------------------- */

struct desk {
    cipdrv_t        driver; /* first: the handler finds its desk by it */
    desk_options_t  options;
    uint64_t        now_us, random;
    cipmux_config_t modem_config;
    cipmux_t        modem;
    world_t         world;
    uart_t          uart;
    desk_line_t     line[DESK_WIRES];
    uint64_t        loop_us;    /* when the main loop turned last */
    bool            asked;      /* the program may have asked the driver for something */
    uint64_t        told;       /* calls of the handler */
    uint32_t        rate;       /* baud that the driver wants, 0: it has it */
    bool            line_asked; /* the modem wants `next_line` */
    cipmux_line_t   next_line;
    bool            unplugged;       /* nothing goes over the wires: what is sent is lost */
    bool            program_stopped; /* the main loop does not turn */
    struct {
        uint8_t  bytes[DESK_RING_MAX];
        uint64_t index[DESK_RING_MAX]; /* in line[].was, or DESK_NO_INDEX */
        size_t   at, n;                /* taken by the driver in this turn; all */
        bool     fault;
    } ring;
    desk_arrival_t held[DESK_HELD];
    size_t         held_n;
    struct {
        uint64_t next;                         /* index of the byte that it reads next, if none is lost */
        uint32_t at;                           /* unit of the last one */
        bool     begins;                       /* the next one begins a line */
        bool     hurt;                         /* a fault touched the line that it reads now, */
        bool     wrong;                        /* the last whole line */
        uint32_t unit;                         /* of that */
    } heard;                                   /* by the modem */
    desk_arrival_t collected[CIPMUX_SEND_MAX]; /* what the open AT+CIPSEND has so far */
    size_t         collected_n;
    struct {
        desk_wire_t wire;
        desk_harm_t harm;
        bool        armed; /* `at` is known */
        uint64_t    at;
        char        text[24];
        size_t      offset;
    } chosen[DESK_HARMS_MAX];
    size_t       chosen_n;
    desk_unit_t  unit[DESK_WIRES][DESK_UNITS]; /* by number modulo DESK_UNITS */
    desk_event_t event[DESK_EVENTS];           /* by number modulo DESK_EVENTS */
    uint64_t     events, awaited;              /* told so far; looked at by desk_await() */
    /* Counted. */
    uint64_t harms[DESK_WIRES][DESK_HARMS];
    uint64_t last_harm_us[DESK_WIRES]; /* when a fault happened last, overruns and changes of rate too; 0: never */
    uint64_t overruns[DESK_WIRES];
    uint64_t loops, steps;
    char     error[200]; /* what is wrong with the desk itself; "": nothing */
};

/* Defaults: fast times, "lab" is not joined, 115200 baud, a main loop of 1 ms, rings of 128 and 64 bytes, no faults. */
desk_options_t desk_options(const char *dialect);
/* A new modem and a new driver. */
void desk_start(desk_t *desk, const desk_options_t *options);
/* Forgets the driver and starts it anew; the modem stays as it is. */
void desk_restart_driver(desk_t *desk);
/* One line of world words (world/words.h), like printf. False: desk->error. */
bool desk_say(desk_t *desk, const char *format, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 2, 3)))
#endif
    ;
/* Someone else types to the modem, past the wire, at once, and waits for `end` in its answer: states to be found in. */
bool desk_type(desk_t *desk, const char *text, const char *end);
/* The modem seems to say this: bytes on the wire to the driver. */
void desk_print(desk_t *desk, const void *bytes, size_t n);

/* Goes on for so long. */
void desk_run(desk_t *desk, uint64_t us);
/* Goes on until `done`, at most so long. False: it was not. */
bool desk_until(desk_t *desk, bool (*done)(desk_t *desk), uint64_t limit_us);
/* Goes on until that event was told, counted from the last one that was awaited. NULL: not within the limit. */
const desk_event_t *desk_await(desk_t *desk, uint8_t event, uint8_t link, uint64_t limit_us);
/* Everything told so far counts as awaited. */
void desk_forget(desk_t *desk);

/* A fault at byte `index` of a wire (line[].sent counts them), or at byte `offset` of the next `text` (at most 23
 * bytes, not in the payload of a frame) that is sent on it. */
void desk_harm_at(desk_t *desk, desk_wire_t wire, uint64_t index, desk_harm_t harm);
void desk_harm_next(desk_t *desk, desk_wire_t wire, const char *text, size_t offset, desk_harm_t harm);

/* A byte that was sent; NULL for DESK_NO_INDEX. */
const desk_byte_t *desk_sent(const desk_t *desk, desk_wire_t wire, uint64_t index);
/* During RECEIVED: byte `i` behind `data`, as it arrived. */
desk_arrival_t desk_arrival(const desk_t *desk, const void *data, uint16_t i);
desk_unit_t   *desk_unit(desk_t *desk, desk_wire_t wire, uint32_t number);

/* A word for an event, a cause. */
const char *desk_event_name(uint8_t event);
const char *desk_cause_name(uint16_t cause);
/* The next number of the desk's random numbers. */
uint64_t desk_random(desk_t *desk);

#endif
