/* What the modem really does, beside what it says: a judge must not be deceived by its echo or by a garbled command. */
#ifndef INSIDE_H
#define INSIDE_H

#include "cipmux.h"

/* The +IPD frame, or answer of AT+CIPRECVDATA, that it is printing. */
typedef struct {
    bool          open;
    cipmux_link_t link;
    uint16_t      head, left; /* bytes of the header that are printed, of the payload that are not */
} inside_frame_t;

/* Its sender, while it takes every byte of the UART as payload of an AT+CIPSEND. */
typedef struct {
    bool          open;
    cipmux_link_t link;
    uint16_t      taken;
} inside_send_t;

inside_frame_t inside_frame(const cipmux_t *modem);
inside_send_t  inside_send(const cipmux_t *modem);
bool           inside_echo(const cipmux_t *modem); /* it is on */

#endif
