/* Rate and format of a tty, at any rate and not only those that <termios.h> has names for: 74880 is one that an ESP8266
 * speaks. */
#ifndef HOST_TTY_LINE_H
#define HOST_TTY_LINE_H

#include "cipmux.h"

/* Raw, 8-bit clean, no modem control lines; the rate and format of `line`, hardware handshake when its CTS bit is set.
 * Behind what was written before, if `drain`. False: see errno. */
bool tty_set_line(int fd, const cipmux_line_t *line, bool drain);
/* False: it is no tty, or it is hung up (rate 0). Flow is what the CTS bit says. */
bool tty_get_line(int fd, cipmux_line_t *out);
/* Bytes that were written and have not left yet; 0 when that is not known. */
size_t tty_unsent(int fd);

#endif
