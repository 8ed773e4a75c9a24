/* The UART between the modem and its port: bytes both ways, at once or at the line's rate, and the change of that rate.
 *
 * With --pace=real bytes pass through world/serial, each character as long as it takes; nothing overruns, since a byte is
 * only put where it finds room. With --pace=hardware the module's buffer is as small as it is, and loses. A port that knows the rate of the program on its far side (a pseudo-terminal, RFC 2217)
 * sets that end of the line, so a wrong rate garbles as on hardware; without pacing it is noted on the log. */
#ifndef HOST_WIRE_H
#define HOST_WIRE_H

#include "cipmux.h"
#include "serial.h"

typedef struct board board_t;

typedef enum { WIRE_AT_ONCE, WIRE_REAL, WIRE_HARDWARE } wire_pace_t; /* --pace=max, real, hardware */

typedef struct {
    serial_t     *serial;      /* NULL: bytes pass at once */
    uint64_t      lost;        /* bytes for which its buffer had no room, so far noted */
    cipmux_line_t line;        /* how the modem's end runs */
    bool          line_asked;  /* the modem waits for LINE_SET */
    cipmux_line_t next;        /* to which it wants to switch */
    bool          next_is_rom; /* and back again soon: the far side does not know */
    uart_t       *aside;       /* bytes that pass at once: the wire while the ROM talks; NULL: it does not, or did */
    bool          rom_talks;
    cipmux_line_t far;     /* the far side's own, as it was seen last */
    bool          differs; /* the modem's and the far side's, and that was noted */
    uint64_t      unheard; /* bytes to a closed far side */
    bool          silence_noted;
    uint64_t      last_output_us;
} wire_t;

/* False: no memory. */
bool wire_open(board_t *board, wire_pace_t pace);
void wire_close(board_t *board);
/* One step of the board's turn; `wait`: nothing is brought to the modem in this one. True: something moved. */
bool wire_turn(board_t *board, uint64_t now_us, bool wait);
/* When the next step is due, or CIPMUX_NEVER. */
uint64_t wire_deadline(const board_t *board, uint64_t now_us);
/* LINE and ROM_LINE: everything printed so far leaves at the old rate, then the switch. What the ROM says is noise for a
 * far side that reads at another rate; a serial device really sends it at the ROM's. */
void wire_set_line(board_t *board, const cipmux_request_t *request);
/* The level of the modem's CTS; low at first. Only with pacing. */
void wire_set_cts(board_t *board, bool high);
/* Nothing is left to take or to bring to the far side. */
bool wire_is_quiet(board_t *board, uint64_t now_us);
/* Bytes that either end read at the wrong rate; without pacing there are none. */
uint64_t wire_garbled(const board_t *board);
/* Somebody came or left: what is on its way to the far side is gone. */
void wire_far_side_changed(board_t *board);

#endif
