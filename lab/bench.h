/* The bench: microcontroller, modem, wires between them, and the time that both share.
 *
 * One thread. The AVR's cycles are the clock of the whole process (board_now()). The AVR runs until the modem's board has
 * something to do, then the board takes its step at that very time; about each millisecond the sockets of this computer
 * get their turn. */
#ifndef LAB_BENCH_H
#define LAB_BENCH_H

#include "ears.h"
#include "net.h"
#include "port_mcu.h"
#include "program.h"
#include "script.h"
#include "setup.h"

#include <avr_ioport.h>
#include <sim_vcd_file.h>

enum { BENCH_WATCHES = 16, BENCH_ANALOGUE = 16, BENCH_TYPED = 1024 };

typedef struct {
    mcu_config_t mcu;
    const char  *esp;                    /* "UART0" or "D2,D3" */
    const char  *reset_pin, *enable_pin; /* of the MCU, to the module's RST and CH_PD; or NULL */
    const char  *cts_pin;                /* of the MCU, to the module's CTS; or NULL */
    const char  *watch;                  /* pins with commas between, or NULL */
    const char  *setup;                  /* file of AT commands that the module got before it was wired, or NULL */
    const char  *vcd, *report, *expect, *until, *serial_log;
    const char  *analogue[BENCH_ANALOGUE]; /* "0=512": words about ADC inputs */
    size_t       analogues;
    double       timeout_s; /* 0: none */
    bool         ahead;     /* --speed=max */
    bool         simulated; /* --net=simulated */
} bench_config_t;

typedef struct {
    program_t      program;
    bench_config_t config;
    mcu_t          mcu;
    usart_t        usart, console; /* the modem's, unless it is at pins; the user's */
    bool           has_console;
    port_mcu_t     port;
    setup_t        setup;
    pin_watch_t    reset_pin, enable_pin, cts_pin, watch[BENCH_WATCHES];
    size_t         watches;
    ears_t         ears;
    script_t       script;
    avr_vcd_t      vcd;
    net_t         *net; /* NULL: the real one */

    sock_t  *typed_on; /* stdin for the console, or NULL */
    uint8_t  typed[BENCH_TYPED];
    size_t   typed_first, typed_end;
    bool     typing;            /* a character is on its way */
    uint64_t board_us;          /* when the board's next step is due */
    uint64_t net_us;            /* when the sockets get their next turn */
    uint64_t pace_us, paced_ns; /* times that belong together: of the bench, of the computer */
    uint64_t began_ns, ended_ns, slept_ns;
    bool     ended;
    int      status;
} bench_t;

/* Builds the bench, runs it, writes the report; the exit status. The caller has read the options. */
int bench_run(bench_t *bench);

#endif
