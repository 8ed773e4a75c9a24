/* The module's flash as a file: the settings that commands save outlive the program.
 *
 * The file is the engine's image. It is replaced as a whole (written beside it, synced, renamed), so at any moment,
 * whatever ends the program or the computer, it is the old one or the new one. Only its owner can read it: it holds the
 * passwords of access points. */
#ifndef HOST_FLASH_H
#define HOST_FLASH_H

#include "cipmux.h"

typedef struct {
    const char *path; /* NULL: no flash */
    uint8_t     image[CIPMUX_IMAGE_MAX];
    size_t      size;    /* of the image in the file; 0: there is none */
    bool        damaged; /* the file was no image: it is PATH.damaged now, or stays if that could not be done */
} flash_t;

/* Reads the file. False: it is there and cannot be read (errno). A damaged one is set aside. */
bool flash_open(flash_t *flash, const char *path);
/* Replaces the file by what the modem has saved. False: errno says why, and the file is what it was. */
bool flash_store(flash_t *flash, const cipmux_t *modem);

#endif
